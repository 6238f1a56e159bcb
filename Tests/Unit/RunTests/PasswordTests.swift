import Foundation
import Testing

@testable import Run

@Suite struct PasswordTests {
    @Test(arguments: ["secret", "secret\n", "secret\r\n", "secret\r"]) func theLineBreakIsNoPartOfIt(text: String) {
        #expect(LocalPassword.line(text) == "secret")
    }

    @Test func oneLineBreakOnlyAndNoOtherSpace() {
        #expect(LocalPassword.line("secret \n\n") == "secret \n")
    }
}

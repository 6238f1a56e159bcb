import Foundation
import Testing

@testable import Run

@Suite struct PasswordTests {
    @Test(arguments: ["secret", "secret\n", "secret\r\n", "secret\r", "\u{FEFF}secret\r\n"]) func theLineBreakIsNoPartOfIt(text: String) {
        #expect(LocalPassword.line(text) == "secret")
    }

    @Test func oneLineBreakOnlyAndNoOtherSpace() {
        #expect(LocalPassword.line("secret \n\n") == "secret \n")
    }
}

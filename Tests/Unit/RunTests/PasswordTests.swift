import Foundation
import Testing

@testable import Run

@Suite struct PasswordTests {
    @Test(arguments: ["secret", "secret\n", "secret\r\n", "secret\r"]) func theLineBreakIsNoPartOfIt(text: String) {
        #expect(text.withoutLineBreak == "secret")
    }

    @Test func oneLineBreakOnlyAndNoOtherSpace() {
        #expect("secret \n\n".withoutLineBreak == "secret \n")
    }
}

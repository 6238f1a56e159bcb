import Foundation
import Secrets
import Testing

/// The secrets are the whole process's: each test has its own.
@Suite struct KnownSecretsTests {
    @Test func aSecretIsMaskedInEveryFormInWhichItIsRepeated() throws {
        let secret = #"p"ss/\wörd 7f1"#
        KnownSecrets.add(secret)
        let json = String(decoding: try JSONEncoder().encode(["was": secret]), as: UTF8.self)
        let encoded = try #require(secret.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
        for text in ["Login failed: '\(secret)'.", json, "http://sa:\(encoded)@host", Data(secret.utf8).base64EncodedString()] {
            #expect(text.withoutSecrets.contains("***"), "\(text)")
            #expect(!text.withoutSecrets.contains("7f1"), "\(text.withoutSecrets)")
        }
        #expect(json.withoutSecrets == #"{"was":"***"}"#)
    }

    @Test func theLongerOfTwoSecretsIsMaskedWhole() {
        KnownSecrets.add("token-a81")
        KnownSecrets.add("token-a81-and-more")
        #expect("token-a81-and-more, token-a81".withoutSecrets == "***, ***")
    }

    @Test func aShortSecretIsMaskedAsAWordOnly() {
        KnownSecrets.add("zq")
        #expect("zq (zq) zqx xzq 'zq'".withoutSecrets == "*** (***) zqx xzq '***'")
    }

    @Test func nothingIsNoSecret() {
        KnownSecrets.add("")
        #expect("nothing".withoutSecrets == "nothing")
    }
}

import Foundation
import Synchronization

/// The passwords and tokens that this process holds, so that it can recognise them in the words of others.
///
/// A server can repeat a password in an error text, a program in its output. Such text is shown and kept only through
/// ``Swift/String/withoutSecrets``.
public enum KnownSecrets {
    private struct Needle {
        var text: String
        /// Is `true` where the text is too short to be looked for within words.
        var isWord: Bool
    }

    private struct State {
        var secrets: Set<String> = []
        /// The longest first: one secret may be a part of another.
        var needles: [Needle] = []
        var variables: Set<String> = []
    }

    private static let state = Mutex(State())
    static let mask = "***"
    /// A shorter secret is a part of too many words.
    private static let shortest = 4

    /// Keeps `secret` in mind, and the forms in which programs repeat one: as part of JSON or of a URL, and in base64.
    public static func add(_ secret: String) {
        state.withLock { state in
            guard !secret.isEmpty, state.secrets.insert(secret).inserted else { return }
            for form in forms(of: secret) where !state.needles.contains(where: { $0.text == form }) {
                state.needles.append(Needle(text: form, isWord: form.count < shortest))
            }
            state.needles.sort { $0.text.count > $1.text.count }
        }
    }

    private static func forms(of secret: String) -> Set<String> {
        let unreserved = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "-._~"))
        var forms: Set = [secret, Data(secret.utf8).base64EncodedString()]
        if let encoded = secret.addingPercentEncoding(withAllowedCharacters: unreserved) { forms.insert(encoded) }
        for options in [JSONEncoder.OutputFormatting(), .withoutEscapingSlashes] {
            let encoder = JSONEncoder()
            encoder.outputFormatting = options
            if let quoted = try? encoder.encode(secret) { forms.insert(String(decoding: quoted.dropFirst().dropLast(), as: UTF8.self)) }
        }
        return forms
    }

    /// Keeps an environment variable in mind that holds a secret. No program that the harness starts for others inherits it.
    public static func hide(variable name: String) { state.withLock { _ = $0.variables.insert(name) } }

    public static var variables: Set<String> { state.withLock { $0.variables } }

    fileprivate static func masked(_ text: String) -> String {
        var text = text
        for needle in state.withLock({ $0.needles }) where text.contains(needle.text) {
            text = needle.isWord ? masked(word: needle.text, in: text) : text.replacingOccurrences(of: needle.text, with: mask)
        }
        return text
    }

    private static func masked(word: String, in text: String) -> String {
        func isPart(_ character: Character?) -> Bool { character.map { $0.isLetter || $0.isNumber } ?? false }
        var result = ""
        var rest = text[...]
        while let found = rest.range(of: word) {
            let before = found.lowerBound == text.startIndex ? nil : text[text.index(before: found.lowerBound)]
            let after = found.upperBound == text.endIndex ? nil : text[found.upperBound]
            result += rest[..<found.lowerBound] + (isPart(before) || isPart(after) ? word : mask)
            rest = rest[found.upperBound...]
        }
        return result + rest
    }
}

extension String {
    /// The text with `***` for every secret that this process knows.
    public var withoutSecrets: String { KnownSecrets.masked(self) }
}

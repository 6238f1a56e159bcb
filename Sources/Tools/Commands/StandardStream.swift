import Foundation
import Secrets
import Synchronization

/// A standard stream. Nothing that is written to one can end the program: its reader may have gone away, its disk may be full.
enum StandardStream: Int32 {
    case output = 1
    case errors = 2

    /// The first reason why standard output did not take what it was given. A reader that has seen enough, as `head`, is none.
    static var outputFailure: String? { lostOutput.withLock { $0 } }

    private static let lostOutput = Mutex<String?>(nil)
    /// The longest time a message waits for a terminal that was stopped, or for a reader that does not read.
    private static let errorsTimeout: Int32 = 1000
    /// A pipe that can be written to at all takes so many bytes without waiting (POSIX: PIPE_BUF is 512 or more, 4096 on Linux).
    private static let portion = 4096

    /// Makes sure that no file which is opened later gets the number of a standard stream, and that neither a reader that is gone nor a
    /// limit of a file's size is a signal.
    static func secure() {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        for number in Int32(0)...2 where fcntl(number, F_GETFD) == -1 {
            // Opened the wrong way round, so that using it fails as it would have.
            _ = open("/dev/null", number == 0 ? O_WRONLY : O_RDONLY)
        }
    }

    /// Writes `text` as it is.
    ///
    /// - Parameter waits: whether a reader that does not read is waited for: data is worth it, progress is not.
    func write(_ text: String, waits: Bool = true) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            if self == .errors, !isReady(within: waits ? Self.errorsTimeout : 0) { return }
            let count = rest.prefix(Self.portion).withUnsafeBytes { Foundation.write(rawValue, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                guard isReady(within: -1) else { return }
            } else if errno != EINTR {
                if self == .output, errno != EPIPE { note(errno) }
                return
            }
        }
    }

    /// The columns that a table on standard output has: those of `COLUMNS`, or of the terminal; `nil`: no limit.
    static var width: Int? {
        if let columns = ProcessInfo.processInfo.environment["COLUMNS"].flatMap({ Int($0) }), columns > 0 { return columns }
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }

    private func isReady(within milliseconds: Int32) -> Bool {
        var descriptor = pollfd(fd: rawValue, events: Int16(POLLOUT), revents: 0)
        while true {
            let ready = poll(&descriptor, 1, milliseconds)
            if ready >= 0 { return ready > 0 }
            if errno != EINTR { return false }
        }
    }

    private func note(_ error: Int32) {
        let reason = String(cString: strerror(error))
        Self.lostOutput.withLock { $0 = $0 ?? reason }
    }
}

/// A message, on standard error, since standard output is for data. Foreign text in it cannot command the terminal or a CI system, and tells
/// no secret.
func standardError(_ text: String, waits: Bool = true) {
    StandardStream.errors.write(text.withoutSecrets.harmless + "\n", waits: waits)
}

/// Data that a person reads, on standard output. Foreign text in it cannot command the terminal or a CI system, and tells no secret.
func standardOutput(_ text: String, terminator: String = "\n") {
    StandardStream.output.write(text.withoutSecrets.harmless + terminator)
}

extension Substring.UnicodeScalarView {
    /// After a number sign.
    fileprivate var startsCommand: Bool { ["#[", "#vso[", "#teamcity["].contains { starts(with: $0.unicodeScalars) } }
}

extension String {
    /// The text without what a terminal, or the log of a CI system, takes for a command.
    ///
    /// GitHub reads `::name::` at the start of a line, blanks before it or not, and `##[name]` anywhere; Azure DevOps `##vso[`; TeamCity
    /// `##teamcity[`. Sources: https://docs.github.com/actions/reference/workflow-commands-for-github-actions, ECMA-48.
    var harmless: String { harmless(keepingColors: false) }

    /// - Parameter keepingColors: of a text that has had its foreign parts cleared of them.
    func harmless(keepingColors: Bool) -> String {
        var text = ""
        var isLineStart = true
        var rest = unicodeScalars[...]
        while let scalar = rest.popFirst() {
            switch scalar {
            case "\n":
                text.unicodeScalars.append(scalar)
                isLineStart = true
                continue
            case "\u{1B}" where keepingColors: text.unicodeScalars.append(scalar)
            case "\t": text.unicodeScalars.append(scalar)
            case "\u{0}"..<"\u{20}", "\u{7F}"..<"\u{A0}": text += "\\x\(String(scalar.value, radix: 16))"
            // Characters that turn the direction of the text around show another text than the one that is there.
            case "\u{202A}"..."\u{202E}", "\u{2066}"..."\u{2069}", "\u{2028}", "\u{2029}":
                text += "\\u{\(String(scalar.value, radix: 16))}"
            case ":" where isLineStart && rest.first == ":", "#" where rest.startsCommand: text += "\\\(scalar)"
            default: text.unicodeScalars.append(scalar)
            }
            isLineStart = isLineStart && scalar.properties.isWhitespace
        }
        return text
    }

    /// The text in one line: a foreign text must not pass for a line of ours.
    var oneLine: String {
        split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: " ")
    }
}

import Foundation

/// The decoders that read bytes from outside, by the name that `FUZZ_TARGET` selects.
///
/// A target returns when the input was taken or refused. It traps, as a broken promise, when what it expects of the decoder does not hold.
enum Target: String, CaseIterable {
    case tdsPackets = "tds-packets"
    case tdsTokens = "tds-tokens"
    case tdsClient = "tds-client"
    case tdsPrelogin = "tds-prelogin"
    case tdsLogin = "tds-login"
    case tdsRPC = "tds-rpc"
    case tdsServer = "tds-server"
    case watch = "watch"
    case exec = "exec"
    case webSocket = "websocket"
    case kubeconfig = "kubeconfig"
    case experiment = "experiment"
    case journalLine = "journal-line"
    case journal = "journal"
    case results = "results"
    case patches = "patches"
    case protobuf = "protobuf"
    case selectors = "selectors"
    case sql = "sql"

    static let selected: Target = {
        let name = ProcessInfo.processInfo.environment["FUZZ_TARGET"] ?? ""
        guard let target = Target(rawValue: name) else {
            fatalError("FUZZ_TARGET is not one of \(Target.allCases.map(\.rawValue).joined(separator: " "))")
        }
        return target
    }()

    func run(_ bytes: [UInt8]) {
        switch self {
        case .tdsPackets: fuzzPackets(bytes)
        case .tdsTokens: fuzzTokens(bytes)
        case .tdsClient: fuzzClient(bytes)
        case .tdsPrelogin: fuzzPrelogin(bytes)
        case .tdsLogin: fuzzLogin(bytes)
        case .tdsRPC: fuzzRPC(bytes)
        case .tdsServer: fuzzServer(bytes)
        case .watch: fuzzWatch(bytes)
        case .exec: fuzzExec(bytes)
        case .webSocket: fuzzWebSocket(bytes)
        case .kubeconfig: fuzzKubeconfig(bytes)
        case .experiment: fuzzExperiment(bytes)
        case .journalLine: fuzzJournalLine(bytes)
        case .journal: fuzzJournal(bytes)
        case .results: fuzzResults(bytes)
        case .patches: fuzzPatches(bytes)
        case .protobuf: fuzzProtobuf(bytes)
        case .selectors: fuzzSelectors(bytes)
        case .sql: fuzzSQL(bytes)
        }
    }
}

/// Ends the program with `problem` unless `condition` holds, in release builds as well.
func expect(_ condition: Bool, _ problem: @autoclosure () -> String) {
    if !condition { fatalError(problem()) }
}

/// A stream as the network may cut it: the first byte of the input is the size of the pieces, and the rest the stream.
struct Stream {
    let whole: [UInt8]
    let pieces: [[UInt8]]

    init?(_ bytes: [UInt8]) {
        guard let first = bytes.first else { return nil }
        let size = max(1, Int(first))
        let whole = Array(bytes.dropFirst())
        self.whole = whole
        pieces = stride(from: 0, to: whole.count, by: size).map { Array(whole[$0..<min($0 + size, whole.count)]) }
    }
}

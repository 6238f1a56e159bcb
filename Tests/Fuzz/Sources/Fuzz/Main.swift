import Foundation

/// The decoders that read bytes from outside, by the name that `FUZZ_TARGET` selects.
enum Target: String, CaseIterable {
    case tdsPackets = "tds-packets"
    case tdsTokens = "tds-tokens"
    case tdsPrelogin = "tds-prelogin"
    case tdsLogin = "tds-login"
    case tdsRPC = "tds-rpc"
    case watch
    case exec
    case webSocket = "websocket"
    case kubeconfig
    case experiment
    case journalLine = "journal-line"
    case journal
    case results
    case patches
    case protobuf
    case selectors
    case sql

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
        case .tdsPrelogin: fuzzPrelogin(bytes)
        case .tdsLogin: fuzzLogin(bytes)
        case .tdsRPC: fuzzRPC(bytes)
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

/// libFuzzer's entry: one input, which must neither trap nor hang. Errors are fine.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    Target.selected.run(Array(UnsafeBufferPointer(start: start, count: count)))
    return 0
}

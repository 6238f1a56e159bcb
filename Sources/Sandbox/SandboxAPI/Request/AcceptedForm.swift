import NIOHTTP1
import SandboxStore

/// In which form the client wants its answer (the `Accept` header, first match wins).
enum AcceptedForm: Sendable, Equatable {
    case object
    /// `as=Table`: the rows and columns that `kubectl get` prints.
    case table
    /// `as=PartialObjectMetadata` or `...List`.
    case metadata

    init(_ headers: HTTPHeaders) throws(APIError) {
        let accepted = headers["Accept"].flatMap { $0.split(separator: ",") }
        if accepted.isEmpty {
            self = .object
            return
        }
        for item in accepted {
            let parts = item.split(separator: ";").map { $0.filter { !$0.isWhitespace } }
            guard let type = parts.first, ["application/json", "*/*", "application/*"].contains(type) else { continue }
            let parameters = Dictionary(
                parts.dropFirst().compactMap { part -> (String, String)? in
                    let pair = part.split(separator: "=", maxSplits: 1)
                    return pair.count == 2 ? (String(pair[0]), String(pair[1])) : nil
                }, uniquingKeysWith: { first, _ in first })
            switch parameters["as"] {
            case nil:
                self = .object
                return
            case "Table" where parameters["v"] == "v1" && parameters["g"] == "meta.k8s.io":
                self = .table
                return
            case "PartialObjectMetadata" where parameters["v"] == "v1", "PartialObjectMetadataList" where parameters["v"] == "v1":
                self = .metadata
                return
            default: continue
            }
        }
        throw APIError(
            406, "NotAcceptable",
            "only the following media types are accepted: application/json, application/json;as=Table;v=v1;g=meta.k8s.io")
    }
}

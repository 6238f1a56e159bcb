import Crypto
package import Foundation
package import JSON
package import SandboxStore

/// Signs and checks the tokens of ServiceAccounts: JSON Web Tokens (RFC 7519) with ES256, bound to the account and, where asked for, to a
/// pod or secret, so that they end with it.
package struct TokenIssuer: Sendable {
    static let issuer = "https://kubernetes.default.svc.cluster.local"
    /// The lifetime of the tokens in pods, as the API server extends it; nobody renews them here.
    static let podLifetime: Int64 = 365 * 24 * 3600
    private static let lifetimes: ClosedRange<Int64> = 600...(1 << 32)

    private let key = P256.Signing.PrivateKey()

    package init() {}

    package func token(
        for account: JSONValue, audiences: [String] = [issuer], lifetime: Int64, boundTo object: JSONValue? = nil, at now: Date
    ) -> String {
        let issued = Int64(now.timeIntervalSince1970)
        var claims: JSONValue = [
            "namespace": .string(account.namespace), "serviceaccount": ["name": .string(account.name), "uid": .string(account.uid)],
        ]
        if let object { claims[object.kind.lowercased()] = ["name": .string(object.name), "uid": .string(object.uid)] }
        let payload: JSONValue = [
            "iss": .string(Self.issuer), "sub": .string("system:serviceaccount:\(account.namespace):\(account.name)"),
            "aud": .array(audiences.map(JSONValue.string)), "iat": .integer(issued), "nbf": .integer(issued),
            "exp": .integer(issued + lifetime), "kubernetes.io": claims,
        ]
        let signed = "\(Self.encoded(["alg": "ES256", "typ": "JWT"])).\(Self.encoded(payload))"
        // Signing fails for no key that was just made.
        let signature = (try? key.signature(for: Data(signed.utf8)))?.rawRepresentation ?? Data()
        return "\(signed).\(Self.encoded(signature))"
    }

    /// A token of a pod's account that ends with the pod.
    package func token(for account: JSONValue, in pod: JSONValue, audience: String?, at now: Date) -> String {
        token(for: account, audiences: [audience ?? Self.issuer], lifetime: Self.podLifetime, boundTo: pod, at: now)
    }

    /// The account of a valid token.
    package func user(of token: String, in state: StoreState, at now: Date) -> UserIdentity? {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let raw = Self.decoded(parts[2]), let signature = try? P256.Signing.ECDSASignature(rawRepresentation: raw),
            key.publicKey.isValidSignature(signature, for: Data("\(parts[0]).\(parts[1])".utf8)),
            let payload = Self.decoded(parts[1]).flatMap({ try? JSONValue(parsing: $0) }),
            let expiry = payload["exp"]?.integer, now.timeIntervalSince1970 < TimeInterval(expiry),
            payload["aud"]?.array?.contains(.string(Self.issuer)) == true, let claims = payload["kubernetes.io"]
        else { return nil }
        let namespace = claims["namespace"]?.string ?? ""
        let kinds: [(String, ResourceType)] = [("serviceaccount", .serviceAccounts), ("pod", .pods), ("secret", .secrets)]
        for (kind, type) in kinds {
            guard let bound = claims[kind] else { continue }
            let present = state[ObjectKey(type, namespace: namespace, name: bound["name"]?.string ?? "")]
            guard present?.uid == bound["uid"]?.string else { return nil }
        }
        let account = claims["serviceaccount"] ?? [:]
        return .serviceAccount(account["name"]?.string ?? "", namespace: namespace, uid: account["uid"]?.string ?? "")
    }

    /// Answers a TokenRequest, as `kubectl create token` sends it.
    package func answer(_ request: JSONValue, for account: JSONValue, in state: StoreState, at now: Date) throws(APIError) -> JSONValue {
        let lifetime = request[path: "spec", "expirationSeconds"]?.integer ?? 3600
        guard Self.lifetimes.contains(lifetime) else {
            throw APIError(
                422, "Invalid",
                "TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: Invalid value: \(lifetime): "
                    + (lifetime < 600
                        ? "may not specify a duration less than 10 minutes" : "may not specify a duration larger than 2^32 seconds"))
        }
        var bound: JSONValue?
        if let reference = request[path: "spec", "boundObjectRef"], reference.object != nil {
            let type: ResourceType = reference["kind"]?.string == "Secret" ? .secrets : .pods
            bound = try state.get(ObjectKey(type, namespace: account.namespace, name: reference["name"]?.string ?? ""))
        }
        let asked = request[path: "spec", "audiences"]?.array?.compactMap(\.string) ?? []
        var answer = request
        answer["apiVersion"] = "authentication.k8s.io/v1"
        answer["kind"] = "TokenRequest"
        answer["metadata"] = ["name": .string(account.name), "namespace": .string(account.namespace)]
        answer[path: "spec", "expirationSeconds"] = .integer(lifetime)
        answer[path: "spec", "audiences"] = .array((asked.isEmpty ? [Self.issuer] : asked).map(JSONValue.string))
        let token = token(for: account, audiences: asked.isEmpty ? [Self.issuer] : asked, lifetime: lifetime, boundTo: bound, at: now)
        answer["status"] = [
            "token": .string(token),
            "expirationTimestamp": .string(StoreEnvironment.timestamp(now.addingTimeInterval(TimeInterval(lifetime)))),
        ]
        return answer
    }

    private static func encoded(_ value: JSONValue) -> String { encoded((try? value.data()) ?? Data()) }

    private static func encoded(_ data: Data) -> String {
        data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    private static func decoded(_ text: Substring) -> Data? {
        let plain = text.replacing("-", with: "+").replacing("_", with: "/")
        return Data(base64Encoded: plain + String(repeating: "=", count: (4 - plain.count % 4) % 4))
    }
}

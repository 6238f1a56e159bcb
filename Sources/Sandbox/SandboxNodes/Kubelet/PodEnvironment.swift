import Foundation
import JSON
import SandboxStore

/// Resolves what a container's variables and volumes take from other objects.
struct PodEnvironment {
    let pod: JSONValue
    let state: StoreState
    let hostIP: String
    let makeToken: PodTokenMaker

    /// The container's own variables, later ones seeing earlier ones.
    func variables(_ container: JSONValue, podIP: String) throws(KubeletProblem) -> [String: String] {
        var result = apiServer
        for source in container["envFrom"]?.array ?? [] {
            let prefix = source["prefix"]?.string ?? ""
            for (kind, type) in [("secretRef", ResourceType.secrets), ("configMapRef", .configMaps)] {
                guard let reference = source[kind] else { continue }
                for (name, value) in try data(type, reference) { result[prefix + name] = String(decoding: value, as: UTF8.self) }
            }
        }
        for variable in container["env"]?.array ?? [] {
            let name = variable["name"]?.string ?? ""
            if let source = variable["valueFrom"] {
                if let value = try value(source, podIP) { result[name] = value }
            } else {
                result[name] = ContainerImage.expand(variable["value"]?.string ?? "", result)
            }
        }
        return result
    }

    /// The place of the API server, for clients in pods.
    private var apiServer: [String: String] {
        let subset = state[ObjectKey(.endpoints, namespace: "default", name: "kubernetes")]?["subsets"]?[0]
        guard let host = subset?["addresses"]?[0]?["ip"]?.string, let port = subset?["ports"]?[0]?["port"]?.integer else { return [:] }
        return ["KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": String(port), "KUBERNETES_SERVICE_PORT_HTTPS": String(port)]
    }

    /// A token of the pod's account that ends with the pod.
    private func token(_ source: JSONValue) throws(KubeletProblem) -> Data {
        let name = pod[path: "spec", "serviceAccountName"]?.string ?? "default"
        guard let account = state[ObjectKey(.serviceAccounts, namespace: pod.namespace, name: name)] else {
            throw KubeletProblem("CreateContainerConfigError", "serviceaccount \"\(name)\" not found")
        }
        let audience = source["audience"]?.string ?? ""
        return Data(makeToken(account, pod, audience.isEmpty ? nil : audience).utf8)
    }

    private func value(_ source: JSONValue, _ podIP: String) throws(KubeletProblem) -> String? {
        if let path = source[path: "fieldRef", "fieldPath"]?.string { return try field(path, podIP) }
        for (kind, type) in [("secretKeyRef", ResourceType.secrets), ("configMapKeyRef", .configMaps)] {
            guard let reference = source[kind] else { continue }
            let key = reference["key"]?.string ?? ""
            if let bytes = try data(type, reference)[key] { return String(decoding: bytes, as: UTF8.self) }
            if reference["optional"]?.bool == true { return nil }
            let word = type == .secrets ? "Secret" : "ConfigMap"
            throw KubeletProblem(
                "CreateContainerConfigError", "couldn't find key \(key) in \(word) \(pod.namespace)/\(reference["name"]?.string ?? "")")
        }
        return nil
    }

    func field(_ path: String, _ podIP: String) throws(KubeletProblem) -> String {
        switch path {
        case "metadata.name": return pod.name
        case "metadata.namespace": return pod.namespace
        case "metadata.uid": return pod.uid
        case "spec.nodeName": return pod.nodeName
        case "spec.serviceAccountName": return pod[path: "spec", "serviceAccountName"]?.string ?? ""
        case "status.hostIP", "status.hostIPs": return hostIP
        case "status.podIP", "status.podIPs": return podIP
        default: break
        }
        for (prefix, values) in [("metadata.labels['", pod.labels), ("metadata.annotations['", pod.annotations)]
        where path.hasPrefix(prefix) && path.hasSuffix("']") {
            return values[String(path.dropFirst(prefix.count).dropLast(2))] ?? ""
        }
        throw KubeletProblem("CreateContainerConfigError", "field path not supported: \(path)")
    }

    /// The entries of a secret or config map; none when it is optional and missing.
    func data(_ type: ResourceType, _ reference: JSONValue) throws(KubeletProblem) -> [String: Data] {
        let name = reference["name"]?.string ?? reference["secretName"]?.string ?? ""
        guard let object = state[ObjectKey(type, namespace: pod.namespace, name: name)] else {
            if reference["optional"]?.bool == true { return [:] }
            throw KubeletProblem("CreateContainerConfigError", "\(type == .secrets ? "secret" : "configmap") \"\(name)\" not found")
        }
        if type == .secrets { return (object["data"]?.strings ?? [:]).compactMapValues { Data(base64Encoded: $0) } }
        var result = (object["data"]?.strings ?? [:]).mapValues { Data($0.utf8) }
        for (key, value) in object["binaryData"]?.strings ?? [:] { result[key] = Data(base64Encoded: value) }
        return result
    }

    /// The files of a secret, config map, downward or projected volume.
    func files(_ volume: JSONValue, podIP: String) throws(KubeletProblem) -> [String: Data]? {
        if let secret = volume["secret"] { return choose(secret, try data(.secrets, secret)) }
        if let map = volume["configMap"] { return choose(map, try data(.configMaps, map)) }
        if let downward = volume["downwardAPI"] { return try fields(downward, podIP) }
        if let source = volume["serviceAccountToken"] { return [source["path"]?.string ?? "token": try token(source)] }
        guard let projected = volume["projected"] else { return nil }
        var result: [String: Data] = [:]
        for source in projected["sources"]?.array ?? [] {
            result.merge(try files(source, podIP: podIP) ?? [:]) { _, new in new }
        }
        return result
    }

    private func choose(_ source: JSONValue, _ data: [String: Data]) -> [String: Data] {
        guard let items = source["items"]?.array else { return data }
        var result: [String: Data] = [:]
        for item in items { result[item["path"]?.string ?? ""] = data[item["key"]?.string ?? ""] }
        return result
    }

    private func fields(_ source: JSONValue, _ podIP: String) throws(KubeletProblem) -> [String: Data] {
        var result: [String: Data] = [:]
        for item in source["items"]?.array ?? [] {
            guard let path = item[path: "fieldRef", "fieldPath"]?.string else { continue }
            result[item["path"]?.string ?? ""] = Data(try field(path, podIP).utf8)
        }
        return result
    }
}

import JSON
import SandboxStore

/// The checks of the Pod Security Standards (https://kubernetes.io/docs/concepts/security/pod-security-standards/), in the order and with
/// the words of the API server.
struct PodSecurityChecks {
    private let spec: JSONValue
    private let annotations: [String: String]
    private let containers: [JSONValue]
    private let context: JSONValue

    init(_ spec: JSONValue, _ annotations: [String: String]) {
        self.spec = spec
        self.annotations = annotations
        containers = ["initContainers", "containers", "ephemeralContainers"].flatMap { spec[$0]?.array ?? [] }
        context = spec["securityContext"] ?? [:]
    }

    func violations(_ level: PodSecurity.Level) -> [String] {
        switch level {
        case .privileged: []
        case .baseline: (baseline + [capabilities, hostPath, seccomp]).compactMap { $0 }
        case .restricted: (baseline + restricted).compactMap { $0 }
        }
    }

    // MARK: Words

    private func named(_ names: [String]) -> String {
        "\(names.count == 1 ? "container" : "containers") \(quoted(names))"
    }

    private func quoted(_ names: some Sequence<String>) -> String { names.map { "\"\($0)\"" }.joined(separator: ", ") }

    private func names(where condition: (JSONValue) -> Bool) -> [String] {
        containers.filter { condition($0["securityContext"] ?? [:]) }.map { $0["name"]?.string ?? "" }
    }

    private func violation(_ reason: String, _ details: [String?], joiner: String = "; ") -> String? {
        let present = details.compactMap { $0 }
        return present.isEmpty ? nil : "\(reason) (\(present.joined(separator: joiner)))"
    }

    private func added(_ container: JSONValue) -> [String] { container[path: "capabilities", "add"]?.array?.compactMap(\.string) ?? [] }

    // MARK: Baseline

    private var baseline: [String?] { [hostNamespaces, hostPorts, hostProcess, privileged, procMount, seLinux, sysctls, appArmor] }

    private var hostNamespaces: String? {
        violation(
            "host namespaces",
            ["hostNetwork", "hostPID", "hostIPC"].map { spec[$0]?.bool == true ? "\($0)=true" : nil }, joiner: ", ")
    }

    private var hostPorts: String? {
        var users: [String] = []
        var ports: Set<Int64> = []
        for container in containers {
            let own = (container["ports"]?.array ?? []).compactMap { $0["hostPort"]?.integer }.filter { $0 != 0 }
            if !own.isEmpty { users.append(container["name"]?.string ?? "") }
            ports.formUnion(own)
        }
        guard !users.isEmpty else { return nil }
        let list = ports.sorted().map(String.init).joined(separator: ", ")
        return "hostPort (\(named(users)) \(users.count == 1 ? "uses" : "use") \(ports.count == 1 ? "hostPort" : "hostPorts") \(list))"
    }

    private var hostProcess: String? {
        let bad = names { $0[path: "windowsOptions", "hostProcess"]?.bool == true }
        return violation(
            "hostProcess",
            [
                context[path: "windowsOptions", "hostProcess"]?.bool == true
                    ? "pod must not set securityContext.windowsOptions.hostProcess=true" : nil,
                bad.isEmpty ? nil : "\(named(bad)) must not set securityContext.windowsOptions.hostProcess=true",
            ])
    }

    private var privileged: String? {
        let bad = names { $0["privileged"]?.bool == true }
        return bad.isEmpty ? nil : "privileged (\(named(bad)) must not set securityContext.privileged=true)"
    }

    private var procMount: String? {
        let bad = names { !["Default", nil].contains($0["procMount"]?.string) }
        let values = Set(containers.compactMap { $0[path: "securityContext", "procMount"]?.string }).subtracting(["Default"]).sorted()
        return bad.isEmpty ? nil : "procMount (\(named(bad)) must not set securityContext.procMount to \(quoted(values)))"
    }

    private var seLinux: String? {
        let allowed: Set = ["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"]
        func isBad(_ context: JSONValue) -> Bool {
            let options = context["seLinuxOptions"] ?? [:]
            return !allowed.contains(options["type"]?.string ?? "") || options["user"]?.string?.isEmpty == false
                || options["role"]?.string?.isEmpty == false
        }
        let bad = names(where: isBad)
        let setters = (isBad(context) ? ["pod"] : []) + (bad.isEmpty ? [] : [named(bad)])
        return setters.isEmpty
            ? nil : "seLinuxOptions (\(setters.joined(separator: " and ")) set forbidden securityContext.seLinuxOptions)"
    }

    private var sysctls: String? {
        let allowed: Set = [
            "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range",
            "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time",
            "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem",
            "net.ipv4.tcp_wmem",
        ]
        let bad = (context["sysctls"]?.array ?? []).compactMap { $0["name"]?.string }.filter { !allowed.contains($0) }
        return bad.isEmpty ? nil : "forbidden sysctls (\(bad.joined(separator: ", ")))"
    }

    private var appArmor: String? {
        func isBad(_ context: JSONValue) -> Bool { context[path: "appArmorProfile", "type"]?.string == "Unconfined" }
        let bad = names(where: isBad)
        let setters = (isBad(context) ? ["pod"] : []) + (bad.isEmpty ? [] : [named(bad)])
        guard !setters.isEmpty else { return nil }
        return "forbidden AppArmor profiles (\(setters.joined(separator: " and ")) must not set securityContext.appArmorProfile.type "
            + "to \"Unconfined\")"
    }

    private var capabilities: String? {
        let allowed: Set = [
            "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP",
            "SETUID", "SYS_CHROOT",
        ]
        let bad = names { !Set(added($0)).isSubset(of: allowed) }
        let values = Set(containers.flatMap { added($0["securityContext"] ?? [:]) }).subtracting(allowed).sorted()
        return bad.isEmpty
            ? nil : "non-default capabilities (\(named(bad)) must not include \(quoted(values)) in securityContext.capabilities.add)"
    }

    private var hostPath: String? {
        let bad = (spec["volumes"]?.array ?? []).filter { $0["hostPath"] != nil }.map { $0["name"]?.string ?? "" }
        return bad.isEmpty ? nil : "hostPath volumes (\(bad.count == 1 ? "volume" : "volumes") \(quoted(bad)))"
    }

    private var seccomp: String? {
        func isBad(_ context: JSONValue) -> Bool { context[path: "seccompProfile", "type"]?.string == "Unconfined" }
        let bad = names(where: isBad)
        let setters = (isBad(context) ? ["pod"] : []) + (bad.isEmpty ? [] : [named(bad)])
        return setters.isEmpty
            ? nil
            : "seccompProfile (\(setters.joined(separator: " and ")) must not set securityContext.seccompProfile.type to \"Unconfined\")"
    }

    // MARK: Restricted

    private var restricted: [String?] { [escalation, restrictedCapabilities, volumes, runAsNonRoot, runAsUser, restrictedSeccomp] }

    private var escalation: String? {
        let bad = names { $0["allowPrivilegeEscalation"]?.bool != false }
        return bad.isEmpty
            ? nil : "allowPrivilegeEscalation != false (\(named(bad)) must set securityContext.allowPrivilegeEscalation=false)"
    }

    private var restrictedCapabilities: String? {
        let keeping = names { !($0[path: "capabilities", "drop"]?.array?.contains("ALL") ?? false) }
        let adding = names { !Set(added($0)).isSubset(of: ["NET_BIND_SERVICE"]) }
        let values = Set(containers.flatMap { added($0["securityContext"] ?? [:]) }).subtracting(["NET_BIND_SERVICE"]).sorted()
        return violation(
            "unrestricted capabilities",
            [
                keeping.isEmpty ? nil : "\(named(keeping)) must set securityContext.capabilities.drop=[\"ALL\"]",
                adding.isEmpty ? nil : "\(named(adding)) must not include \(quoted(values)) in securityContext.capabilities.add",
            ])
    }

    private var volumes: String? {
        let allowed: Set = [
            "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret",
        ]
        let bad = (spec["volumes"]?.array ?? []).compactMap { volume -> (name: String, type: String)? in
            let types = (volume.object ?? [:]).keys.filter { $0 != "name" }
            guard let type = types.sorted().first(where: { !allowed.contains($0) }) else { return nil }
            return (volume["name"]?.string ?? "", type)
        }
        guard !bad.isEmpty else { return nil }
        let types = Set(bad.map(\.type)).sorted()
        return "restricted volume types (\(bad.count == 1 ? "volume" : "volumes") \(quoted(bad.map(\.name))) "
            + "\(bad.count == 1 ? "uses" : "use") restricted volume \(types.count == 1 ? "type" : "types") \(quoted(types)))"
    }

    private var runAsNonRoot: String? {
        let own = context["runAsNonRoot"]?.bool
        let refusing = names { $0["runAsNonRoot"]?.bool == false }
        let setters = (own == false ? ["pod"] : []) + (refusing.isEmpty ? [] : [named(refusing)])
        if !setters.isEmpty {
            return "runAsNonRoot != true (\(setters.joined(separator: " and ")) must not set securityContext.runAsNonRoot=false)"
        }
        let missing = own == true ? [] : names { $0["runAsNonRoot"]?.bool == nil }
        return missing.isEmpty ? nil : "runAsNonRoot != true (pod or \(named(missing)) must set securityContext.runAsNonRoot=true)"
    }

    private var runAsUser: String? {
        let bad = names { $0["runAsUser"]?.integer == 0 }
        let setters = (context["runAsUser"]?.integer == 0 ? ["pod"] : []) + (bad.isEmpty ? [] : [named(bad)])
        return setters.isEmpty ? nil : "runAsUser=0 (\(setters.joined(separator: " and ")) must not set runAsUser=0)"
    }

    private var restrictedSeccomp: String? {
        if let seccomp { return seccomp }
        let isSet = context[path: "seccompProfile", "type"] != nil
        let missing = isSet ? [] : names { $0[path: "seccompProfile", "type"] == nil }
        return missing.isEmpty
            ? nil
            : "seccompProfile (pod or \(named(missing)) must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")"
    }
}

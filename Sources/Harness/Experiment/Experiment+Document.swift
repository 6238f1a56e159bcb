extension Experiment {
    /// The experiment that a validated document describes.
    init(document: FormatValue) {
        let metadata = document.object("metadata")
        let spec = document.object("spec")
        name = metadata.requiredText("name")
        description = metadata.text("description")
        labels = metadata.stringMap("labels")
        target = Target(spec.object("target"))
        fault = FaultSpec(spec.object("fault"))
        probes = Probes(spec.object("probes"))
        ledger = LedgerSpec(spec.object("ledger"))
        steadyFor = spec.requiredDuration("steadyFor")
        stableFor = spec.requiredDuration("stableFor")
        giveUpAfter = spec.requiredDuration("giveUpAfter")
        repeats = spec.integer("repeat")
        pauseBetween = spec.requiredDuration("pauseBetween")
        expect = Expectations(spec.object("expect"))
        safety = Safety(spec.object("safety"))
    }
}

/// A choice's value as its enum; the format allows no other text.
private func choice<Value: RawRepresentable>(_ object: FormatValue, _ field: String) -> Value where Value.RawValue == String {
    guard let value = Value(rawValue: object.requiredText(field)) else {
        preconditionFailure("the format allows a \(field) that the model does not know")
    }
    return value
}

extension Experiment.Target {
    fileprivate init(_ value: FormatValue) {
        context = value.text("context")
        namespace = value.requiredText("namespace")
        let parts = value.requiredText("workload").split(separator: "/", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { preconditionFailure("workload's pattern") }
        workloadKind = WorkloadKind(parts[0])
        workload = parts[1]
        container = value.text("container")
        service = value.requiredText("service")
        port = value.text("port")
        address = choice(value, "address")
        database = value.requiredText("database")
        login = Experiment.Login(value.object("login"))
        encryption = Experiment.Encryption(value.object("encryption"))
    }
}

extension Experiment.Login {
    fileprivate init(_ value: FormatValue) {
        user = value.requiredText("user")
        let source = value.object("passwordFrom")
        if let secret = source.text("secret") {
            passwordFrom = .secret(name: secret, key: source.text("key") ?? "")
        } else if let variable = source.text("env") {
            passwordFrom = .environment(variable)
        } else {
            passwordFrom = .file(source.text("file") ?? "")
        }
    }
}

extension Experiment.Encryption {
    fileprivate init(_ value: FormatValue) {
        mode = choice(value, "mode")
        trustServerCertificate = value.boolean("trustServerCertificate")
        certificateAuthority = value.text("ca")
        serverName = value.text("serverName")
    }
}

extension Experiment.Probes {
    fileprivate init(_ value: FormatValue) {
        let timeout = value.requiredDuration("timeout")
        func cadence(_ track: String, _ usual: Duration) -> Cadence {
            let own = value.object(track)
            return Cadence(
                interval: own.duration("interval") ?? value.duration("interval") ?? usual, timeout: own.duration("timeout") ?? timeout)
        }
        connect = cadence("connect", Self.connectInterval)
        login = cadence("login", Self.loginInterval)
        session = cadence("session", Self.sessionInterval)
        inFlightCap = value.integer("inFlightCap")
    }
}

extension Experiment.LedgerSpec {
    fileprivate init(_ value: FormatValue) {
        writers = value.integer("writers")
        interval = value.requiredDuration("interval")
        timeout = value.requiredDuration("timeout")
        seedRows = value.integer("seedRows")
        database = value.requiredText("database")
        createDatabase = value.boolean("createDatabase")
        checkDatabase = value.boolean("checkDatabase")
    }
}

extension Experiment.Expectations {
    fileprivate init(_ value: FormatValue) {
        maxDowntime = value["downtime"]?.duration("max")
        recoveredWithin = value.duration("recoveredWithin")
        lostWrites = value.integer("lostWrites")
        node = choice(value, "node")
    }
}

extension Experiment.Safety {
    fileprivate init(_ value: FormatValue) {
        requireSpareNode = value.boolean("requireSpareNode")
        allowControlPlane = value.boolean("allowControlPlane")
        allowSystemNamespaces = value.boolean("allowSystemNamespaces")
        allowSingleNode = value.boolean("allowSingleNode")
    }
}

extension FaultSpec {
    fileprivate init(_ value: FormatValue) {
        let (kind, fields) = value.only
        switch kind {
        case "none":
            self = .none(duration: fields.requiredDuration("duration"))
        case "processKill":
            self = .processKill(
                ProcessKill(
                    process: fields.requiredText("process"), signal: choice(fields, "signal"),
                    resumeAfter: fields.requiredDuration("resumeAfter")))
        case "containerKill":
            self = .containerKill(
                ContainerKill(helperImage: fields.requiredText("helperImage"), helperNamespace: fields.text("helperNamespace")))
        case "podDelete":
            self = .podDelete(PodDelete(gracePeriod: fields.duration("gracePeriod")))
        case "podEvict":
            self = .podEvict(PodEvict(timeout: fields.requiredDuration("timeout"), gracePeriod: fields.duration("gracePeriod")))
        case "nodeDrain":
            self = .nodeDrain(
                NodeDrain(
                    timeout: fields.requiredDuration("timeout"), gracePeriod: fields.duration("gracePeriod"),
                    ignoreDaemonSets: fields.boolean("ignoreDaemonSets"), deleteEmptyDirData: fields.boolean("deleteEmptyDirData"),
                    force: fields.boolean("force")))
        case "nodeTaint":
            self = .nodeTaint(NodeTaint(key: fields.requiredText("key"), value: fields.requiredText("value")))
        case "nodeFailure":
            self = .nodeFailure(
                NodeFailure(
                    inject: fields.strings("inject") ?? [], undo: fields.strings("undo") ?? [],
                    timeout: fields.requiredDuration("timeout"), noticedWithin: fields.requiredDuration("noticedWithin"),
                    readyWithin: fields.requiredDuration("readyWithin")))
        case "command":
            self = .command(
                Command(
                    inject: fields.strings("inject") ?? [], undo: fields.strings("undo"), probe: fields.strings("probe") ?? [],
                    timeout: fields.requiredDuration("timeout")))
        default:
            preconditionFailure("the format has a fault that the model does not know: \(kind)")
        }
    }
}

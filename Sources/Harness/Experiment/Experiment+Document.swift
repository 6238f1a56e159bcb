public import JSON

extension Experiment {
    /// Creates the experiment from a validated document.
    ///
    /// - Parameter namespace: the namespace of a target that does not name its own.
    init(document: FormatValue, namespace: String) {
        let document = document.withCadences().filling(["spec", "target", "namespace"], with: .string(namespace))
        let metadata = document.object("metadata")
        let spec = document.object("spec")
        name = metadata.requiredText("name")
        description = metadata.text("description")
        labels = metadata.stringMap("labels")
        target = Target(spec.object("target"))
        let (kind, fields) = spec.object("fault").only
        fault = FaultDocument(kind: kind, fields: fields)
        probes = Probes(spec.object("probes"))
        ledger = LedgerSpec(spec.object("ledger"))
        load = spec["load"].flatMap(Load.init)
        at = Moment(spec.object("at"))
        steadyFor = spec.requiredDuration("steadyFor")
        stableFor = spec.requiredDuration("stableFor")
        giveUpAfter = spec.requiredDuration("giveUpAfter")
        repeats = spec.integer("repeat")
        pauseBetween = spec.requiredDuration("pauseBetween")
        expect = Expectations(spec.object("expect"))
        safety = Safety(spec.object("safety"))
        effective = document.content.json
    }
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
        address = value.choice("address")
        database = value.requiredText("database")
        login = Experiment.Login(value.object("login"))
        encryption = Experiment.Encryption(value.object("encryption"))
    }
}

extension Experiment.Target {
    /// Creates the target from the section `spec.target` of an effective document.
    public init(effective section: JSONValue) throws {
        let document: JSONValue = [
            "apiVersion": .string(Format.apiVersion), "kind": .string(Format.kind), "metadata": ["name": "target"],
            "spec": ["target": section, "fault": ["none": [:]]],
        ]
        let text = String(decoding: try document.data(), as: UTF8.self)
        guard let experiment = try ExperimentFile.parse(text, file: "target", faults: .any).first else {
            preconditionFailure("a text that was parsed without an error has its one document")
        }
        self = experiment.target
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
        mode = value.choice("mode")
        trustServerCertificate = value.boolean("trustServerCertificate")
        certificateAuthority = value.text("ca")
        serverName = value.text("serverName")
    }
}

extension Experiment.Probes {
    fileprivate init(_ value: FormatValue) {
        func cadence(_ track: String) -> Cadence {
            let own = value.object(track)
            return Cadence(interval: own.requiredDuration("interval"), timeout: own.requiredDuration("timeout"))
        }
        connect = cadence("connect")
        login = cadence("login")
        session = cadence("session")
        views = Views(value.object("views"))
        idle = value["idle"].map(Idle.init)
        client = value["client"].map(Client.init)
        inFlightCap = value.integer("inFlightCap")
    }
}

extension Experiment.Probes.Views {
    fileprivate init(_ value: FormatValue) {
        pod = value.boolean("pod")
        clusterIP = value.boolean("clusterIP")
        dns = value.boolean("dns")
        dnsName = value.text("dnsName")
        connectInterval = value.requiredDuration("connectInterval")
        loginInterval = value.requiredDuration("loginInterval")
    }
}

extension Experiment.Probes.Idle {
    fileprivate init(_ value: FormatValue) {
        silentFor = value.requiredDuration("silentFor")
        connections = value.integer("connections")
        timeout = value.requiredDuration("timeout")
    }
}

extension Experiment.Probes.Client {
    fileprivate init(_ value: FormatValue) {
        command = value.strings("command") ?? []
        interval = value.requiredDuration("interval")
        timeout = value.requiredDuration("timeout")
        environment = value.strings("environment") ?? []
    }
}

extension Experiment.LedgerSpec {
    fileprivate init(_ value: FormatValue) {
        writers = value.integer("writers")
        transfers = value.integer("transfers")
        interval = value.requiredDuration("interval")
        timeout = value.requiredDuration("timeout")
        seedRows = value.integer("seedRows")
        database = value.requiredText("database")
        createDatabase = value.boolean("createDatabase")
        checkDatabase = value.boolean("checkDatabase")
        keep = value.choice("keep")
    }
}

extension Experiment.Moment {
    fileprivate init(_ value: FormatValue) {
        if let window = value.duration("within") {
            self = .within(window)
        } else if value.has("when") {
            let when = value.object("when")
            self = .when(command: when.strings("command") ?? [], timeout: when.requiredDuration("timeout"))
        } else {
            self = .steady
        }
    }
}

extension Experiment.Load {
    /// Creates `nil` if the document asks for no work.
    fileprivate init?(_ value: FormatValue) {
        dirty = value.text("dirty").map(Self.bytes)
        openTransaction = value["openTransaction"].map { transaction in
            OpenTransaction(rows: transaction.integer("rows"), age: transaction.requiredDuration("for"))
        }
        within = value.requiredDuration("within")
        if dirty == nil, openTransaction == nil { return nil }
    }

    /// Returns the number of bytes of a text in ``Format/size``.
    private static func bytes(_ text: String) -> Int64 {
        let shift = text.contains("G") ? 30 : text.contains("M") ? 20 : 10
        return (Int64(text.prefix { $0.isNumber }) ?? 0) << shift
    }
}

extension Experiment.Expectations {
    fileprivate init(_ value: FormatValue) {
        maxDowntime = value["downtime"]?.duration("max")
        maxClientDowntime = value["client"]?["downtime"]?.duration("max")
        recoveredWithin = value.duration("recoveredWithin")
        lostWrites = value.integer("lostWrites")
        node = value.choice("node")
        shutdown = value.choice("shutdown")
        instances = value.choice("instances")
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

extension FormatValue {
    /// Fills in the interval and timeout of tracks without their own.
    fileprivate func withCadences() -> FormatValue {
        let probes = object("spec").object("probes")
        let usual = [
            "connect": Experiment.Probes.connectInterval, "login": Experiment.Probes.loginInterval,
            "session": Experiment.Probes.sessionInterval,
        ]
        return usual.reduce(self) { document, track in
            let common = (interval: probes.duration("interval") ?? track.value, timeout: probes.requiredDuration("timeout"))
            return document.filling(["spec", "probes", track.key, "interval"], with: .duration(common.interval))
                .filling(["spec", "probes", track.key, "timeout"], with: .duration(common.timeout))
        }
    }

    /// Sets missing values.
    fileprivate func filling(_ path: ArraySlice<String>, with fallback: Content) -> FormatValue {
        guard case .object(var fields) = content, let name = path.first else { return self }
        fields[name] =
            path.count == 1
            ? fields[name] ?? FormatValue(content: fallback, position: position)
            : fields[name]?.filling(path.dropFirst(), with: fallback)
        return FormatValue(content: .object(fields), position: position)
    }
}

extension Format {
    static let apiVersion = "aftershock/v1"
    static let kind = "Experiment"

    /// The whole of an experiment file's document.
    static func document(_ faults: FaultFormats) -> [Field] {
        [
            .required("apiVersion", .choice([apiVersion]), "The version of this format."),
            .required("kind", .choice([kind]), "What this document is."),
            .required("metadata", .object(metadata), "What the experiment is called."),
            .required("spec", .object(spec(faults)), "What is done, watched and promised."),
        ]
    }

    private static let metadata: [Field] = [
        .required("name", dnsName, "The experiment's name: the JUnit suite and the key of its history. Keep it stable."),
        .optional("description", text, "What the experiment is for, for people."),
        .optional("labels", .stringMap, "Free labels; they go into the reports."),
    ]

    private static func spec(_ faults: FaultFormats) -> [Field] {
        [
            .required("target", .object(target), "The instance under test and how to log in."),
            .required("fault", faults.format, "What is done to it: exactly one kind."),
            .optional("probes", .object(probes), .object([:]), "How the service address is probed."),
            .optional("ledger", .object(ledger), .object([:]), "The acknowledged writes that are accounted for."),
            .optional("steadyFor", positive, .duration(.seconds(10)), "How long the service must be healthy before the fault."),
            .optional("stableFor", positive, .duration(.seconds(10)), "How long it must stay healthy after the recovery."),
            .optional("giveUpAfter", positive, .duration(.seconds(300)), "Without recovery the repeat ends after this time."),
            .optional("repeat", .integer(1...1000), .integer(1), "How many times the fault is injected."),
            .optional(
                "pauseBetween", .duration(), .duration(.zero),
                "Pause between two repeats, so that a back-off of one does not distort the next."
            ),
            .optional("expect", .object(expect), .object([:]), "The promise that is judged."),
            .optional("safety", .object(safety), .object([:]), "Guard rails, checked before anything is touched."),
        ]
    }

    private static let target: [Field] = [
        .optional("context", text, "The kubeconfig context this experiment may run in without --confirm-context."),
        .optional("namespace", dnsName, "The target's namespace; where not said that of --namespace, the context, or the pod itself."),
        .required(
            "workload",
            .string(
                pattern: "^(?!pods?/)[A-Za-z][A-Za-z0-9]*/[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
                meaning: "deployment/NAME, statefulset/NAME, or KIND/NAME of what owns the pods"),
            "The workload under test: deployment/NAME, statefulset/NAME, or KIND/NAME of another controller's object that owns the pods."),
        .optional("container", dnsName, "The SQL Server container; the one with the service's target port where it is not named."),
        .required("service", dnsName, "The Service whose stable address is probed."),
        .optional("port", .integerOrString, "The service's port, by name or number; needed where it has several and none is 1433."),
        .optional(
            "address", .choice(Experiment.Target.Address.allCases.map(\.rawValue)), .string("auto"),
            "Which address: the load balancer's, the cluster IP, or the first of them that there is."),
        .optional("database", text, .string("master"), "The database to log in to; the ledger's own is created from it."),
        .required("login", .object(login), "Who logs in."),
        .optional("encryption", .object(encryption), .object([:]), "How the connection is encrypted."),
    ]

    private static let login: [Field] = [
        .optional("user", text, .string("sa"), "The SQL login."),
        .required(
            "passwordFrom",
            .object([
                .optional("secret", dnsName, "A Kubernetes Secret in the target's namespace; needs `key`."),
                .optional("key", text, "The key in the Secret."),
                .optional("env", text, "An environment variable of the harness."),
                .optional("file", text, "A file on the harness's machine; one trailing line break is dropped."),
            ]), "Where the password is: {secret, key}, {env} or {file}. It is never written in an experiment."),
    ]

    private static let encryption: [Field] = [
        .optional(
            "mode", .choice(Experiment.Encryption.Mode.allCases.map(\.rawValue)), .string("required"),
            "required: TLS in TDS 7.4; strict: TDS 8.0; loginOnly: only the login is encrypted."),
        .optional("trustServerCertificate", .boolean, .boolean(false), "Accept any certificate, as for a container's self-signed one."),
        .optional("ca", text, "A PEM file with the authorities to trust, and no others."),
        .optional("serverName", text, "The name to expect in the certificate, when it is not the address."),
    ]

    private static func cadence(_ interval: Duration) -> Format {
        .object([
            .optional(
                "interval", .duration(minimum: .milliseconds(1)),
                "Time between two starts; where not said probes.interval, and where that is not said either \(interval.gep2257)."),
            .optional(
                "timeout", .duration(minimum: .milliseconds(10)), "When an unanswered one has failed; probes.timeout where not said."),
        ])
    }

    private static let probes: [Field] = [
        .optional("interval", .duration(minimum: .milliseconds(1)), "Time between two starts on every track that does not say its own."),
        .optional("timeout", .duration(minimum: .milliseconds(10)), .duration(.seconds(1)), "When an unanswered probe has failed."),
        .optional("connect", cadence(Experiment.Probes.connectInterval), .object([:]), "TCP connects to the service address."),
        .optional("login", cadence(Experiment.Probes.loginInterval), .object([:]), "Whole logins with a query."),
        .optional("session", cadence(Experiment.Probes.sessionInterval), .object([:]), "Queries on a held connection."),
        .optional("inFlightCap", .integer(1...10_000), .integer(200), "Probes of one track that may be under way at once."),
    ]

    private static let ledger: [Field] = [
        .optional("writers", .integer(1...256), .integer(4), "Connections that write."),
        .optional("interval", .duration(minimum: .milliseconds(1)), .duration(.milliseconds(20)), "Time between two writes of one writer."),
        .optional("timeout", .duration(minimum: .milliseconds(10)), .duration(.seconds(5)), "When an unanswered write is unknown."),
        .optional("seedRows", .integer(0...10_000_000), .integer(10_000), "Rows written before the fault that must survive too."),
        .optional("database", text, .string("aftershock"), "The ledger's database."),
        .optional("createDatabase", .boolean, .boolean(true), "Create it where it is not there; false where the login may not."),
        .optional("checkDatabase", .boolean, .boolean(true), "Run DBCC CHECKDB afterwards where the server has it."),
    ]

    private static let expect: [Field] = [
        .optional(
            "downtime", .object([.required("max", .duration(), "The most that is allowed.")]),
            "Judged on the upper bound, on every track, in every repeat."),
        .optional("recoveredWithin", positive, "From the fault to the moment from which all stays healthy."),
        .optional("lostWrites", .integer(0...1_000_000), .integer(0), "Acknowledged rows that may be lost."),
        .optional("node", .choice(Experiment.Expectations.Node.allCases.map(\.rawValue)), .string("any"), "Where the instance comes back."),
        .optional(
            "shutdown", .choice(Experiment.Expectations.Shutdown.allCases.map(\.rawValue)), .string("any"),
            "clean: a server that is told to stop ends by itself, with exit code 0, and is not killed at the end of its grace period."),
    ]

    private static let safety: [Field] = [
        .optional("requireSpareNode", .boolean, .boolean(false), "Refuse where no other node could take the pod. Node faults always do."),
        .optional("allowControlPlane", .boolean, .boolean(false), "Allow node faults on a control-plane node."),
        .optional("allowSystemNamespaces", .boolean, .boolean(false), "Allow a target in kube-system and the like."),
        .optional("allowSingleNode", .boolean, .boolean(false), "Allow node faults where there is one schedulable node."),
    ]
}

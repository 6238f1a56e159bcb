extension Format {
    static let apiVersion = "aftershock/v1"
    static let kind = "Experiment"

    /// The format of an experiment file's document.
    static func document(_ faults: FaultFormats) -> [Field] {
        [
            .required("apiVersion", .choice([apiVersion]), "The version of this format."),
            .required("kind", .choice([kind]), "The kind of this document."),
            .required("metadata", .object(metadata), "The experiment's name and labels."),
            .required("spec", .object(spec(faults)), "The target, the fault, the probes and the promise."),
        ]
    }

    private static let metadata: [Field] = [
        .required("name", dnsName, "The experiment's name: the JUnit suite and the key of its history. Keep it stable."),
        .optional("description", text, "The purpose of the experiment, for people."),
        .optional("labels", .stringMap, "Labels of your choice, which the reports show."),
    ]

    private static func spec(_ faults: FaultFormats) -> [Field] {
        [
            .required("target", .object(target), "The instance under test and how to log in."),
            .required("fault", faults.format, "The fault that is injected: exactly one kind."),
            .optional("probes", .object(probes), .object([:]), "The probes of the service address."),
            .optional("ledger", .object(ledger), .object([:]), "The writes that the experiment makes and accounts for."),
            .optional(
                "load", .object(load),
                "The work that the recovery finds: made before the fault, proven right before it, and shown with the downtime."),
            .optional("steadyFor", positive, .duration(.seconds(10)), "The time that the service must be healthy before the fault."),
            .optional("stableFor", positive, .duration(.seconds(10)), "The time that the service must stay healthy after the recovery."),
            .optional("at", .object(at), .object([:]), "The moment of the fault: when the service is steady, if nothing else is said."),
            .optional("giveUpAfter", positive, .duration(.seconds(300)), "The time after which a repeat without recovery ends."),
            .optional("repeat", .integer(1...1000), .integer(1), "The number of times that the fault is injected."),
            .optional(
                "pauseBetween", .duration(), .duration(.zero),
                "The pause between two repeats. It keeps the back-off of one repeat out of the next."
            ),
            .optional("expect", .object(expect), .object([:]), "The promise that is judged."),
            .optional("safety", .object(safety), .object([:]), "Safety checks, made before anything is changed."),
        ]
    }

    private static let at: [Field] = [
        .optional("after", .choice(["steady"]), "steady: as soon as the service has been healthy for steadyFor."),
        .optional("within", positive, "At a moment of so long a window after that, which the run's seed draws for every repeat."),
        .optional(
            "when",
            .object([
                .required(
                    "command", .strings,
                    "A command that ends with 0 at the moment; {node}, {pod}, {namespace} and {workload} are replaced. It is run again until then."
                ),
                .optional("timeout", positive, .duration(.seconds(600)), "The time limit of the moment; without it nothing is injected."),
            ]), "When a command says so: during a backup, a DBCC, a batch."),
    ]

    private static let target: [Field] = [
        .optional("context", text, "The kubeconfig context in which the experiment may run without --confirm-context."),
        .optional(
            "namespace", dnsName, "The target's namespace. Default: --namespace, then the context's namespace, then the harness's own."),
        .required(
            "workload",
            .string(
                pattern: "^(?!pods?/)[A-Za-z][A-Za-z0-9]*/[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
                meaning: "deployment/NAME, statefulset/NAME, or KIND/NAME of the pods' owner"),
            "The workload under test: deployment/NAME, statefulset/NAME, or KIND/NAME of another controller's object that owns the pods."),
        .optional("container", dnsName, "The SQL Server container. Default: the container with the service's target port."),
        .required("service", dnsName, "The Service whose stable address is probed."),
        .optional(
            "port", .integerOrString, "The service's port, by name or number. Required if the service has several ports and none is 1433."),
        .optional(
            "address", .choice(Experiment.Target.Address.allCases.map(\.rawValue)), .string("auto"),
            "The address to probe: loadBalancer, clusterIP, or auto, which is the load balancer's if there is one."),
        .optional("database", text, .string("master"), "The database to log in to. The ledger's database is created from there."),
        .required("login", .object(login), "The login and the source of its password."),
        .optional("encryption", .object(encryption), .object([:]), "The encryption of the connection."),
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
                "The time between the starts of two probes. Default: probes.interval, or \(interval.text) without it."),
            .optional(
                "timeout", .duration(minimum: .milliseconds(10)),
                "The time after which an unanswered probe has failed. Default: probes.timeout."),
        ])
    }

    private static let probes: [Field] = [
        .optional(
            "interval", .duration(minimum: .milliseconds(1)), "The time between the starts of two probes, for every track without its own."),
        .optional(
            "timeout", .duration(minimum: .milliseconds(10)), .duration(.seconds(1)), "The time after which an unanswered probe has failed."
        ),
        .optional("connect", cadence(Experiment.Probes.connectInterval), .object([:]), "TCP connects to the service address."),
        .optional("login", cadence(Experiment.Probes.loginInterval), .object([:]), "Complete logins with a query."),
        .optional("session", cadence(Experiment.Probes.sessionInterval), .object([:]), "Queries on a held connection."),
        .optional("inFlightCap", .integer(1...10_000), .integer(200), "The most probes of one track that run at the same time."),
        .optional(
            "views", .object(views), .object([:]),
            "Places beside the judged address from which the service is asked too, to split the downtime."),
        .optional("idle", .object(idle), "Connections that are held, silent for a time, and then asked once."),
        .optional("client", .object(client), "A program of your own that does what your application does; docs/own-client.md."),
    ]

    private static let views: [Field] = [
        .optional("pod", .boolean, .boolean(true), "Ask the serving pod's own address, where it can be reached."),
        .optional(
            "clusterIP", .boolean, .boolean(true), "Ask the Service's cluster IP, where another address is judged and it can be reached."),
        .optional("dns", .boolean, .boolean(true), "Ask the Service by its name, where that is resolved to one of its addresses."),
        .optional("dnsName", text, "The name. Default: SERVICE.NAMESPACE.svc, which is resolved within the cluster."),
        .optional(
            "connectInterval", .duration(minimum: .milliseconds(10)), .duration(.milliseconds(100)),
            "The time between the starts of two TCP connects to a place."),
        .optional(
            "loginInterval", .duration(minimum: .milliseconds(10)), .duration(.milliseconds(500)),
            "The time between the starts of two logins at a place."),
    ]

    private static let idle: [Field] = [
        .required("silentFor", .duration(minimum: .seconds(1)), "The time for which a connection is silent before it is asked."),
        .optional("connections", .integer(1...256), .integer(4), "The number of connections."),
        .optional(
            "timeout", .duration(minimum: .milliseconds(100)), .duration(.seconds(5)),
            "The time after which a question without any answer counts as not answered."),
    ]

    private static let client: [Field] = [
        .required(
            "command", .strings, "The program and its arguments, without a shell. It prints 'start ID', then 'ok ID' or 'failed ID REASON'."
        ),
        .optional(
            "interval", .duration(minimum: .milliseconds(10)), .duration(.seconds(1)),
            "The longest time between the starts of two operations while they succeed."),
        .optional(
            "timeout", .duration(minimum: .milliseconds(100)), .duration(.seconds(5)),
            "The time after which an operation without an end has failed."),
        .optional("environment", .strings, "Names of environment variables of the harness that the program gets as well."),
    ]

    private static let ledger: [Field] = [
        .optional("writers", .integer(1...256), .integer(4), "The number of connections that write."),
        .optional(
            "transfers", .integer(0...64), .integer(0),
            "The number of connections beside them that make transfers: transactions of several statements, judged to be there whole or not at all."
        ),
        .optional(
            "interval", .duration(minimum: .milliseconds(1)), .duration(.milliseconds(20)), "The time between two writes of one connection."
        ),
        .optional(
            "timeout", .duration(minimum: .milliseconds(10)), .duration(.seconds(5)),
            "The time after which an unanswered write counts as unknown."),
        .optional(
            "seedRows", .integer(0...10_000_000), .integer(10_000),
            "The number of rows that are written before the fault and must survive as well."),
        .optional("database", text, .string("aftershock"), "The ledger's database."),
        .optional(
            "createDatabase", .boolean, .boolean(true),
            "Create the database if it does not exist. Set to false if the login may not create it."),
        .optional("checkDatabase", .boolean, .boolean(true), "Run DBCC CHECKDB afterwards, if the server has it."),
        .optional(
            "keep", .choice(Experiment.LedgerSpec.Keep.allCases.map(\.rawValue)), .string(Experiment.LedgerSpec.Keep.repeat.rawValue),
            "run: one ledger for all repeats of all experiments of the run that have this target and ledger; each read-back accounts for all rows since its begin."
        ),
    ]

    private static let load: [Field] = [
        .optional(
            "dirty", .size, "The log that has been written since the last checkpoint, at least, at the moment of the fault: 64MiB, 1GiB."),
        .optional(
            "openTransaction",
            .object([
                .optional("rows", .integer(1...100_000_000), .integer(100_000), "The number of rows that it has inserted."),
                .optional("for", .duration(), .duration(.zero), "The time for which it has been open, at least."),
            ]), "A transaction that is open at the moment of the fault, so that the recovery has to undo it."),
        .optional("within", positive, .duration(.seconds(600)), "The time limit of making it; without it there the repeat is invalid."),
    ]

    private static let expect: [Field] = [
        .optional(
            "downtime", .object([.required("max", .duration(), "The longest downtime that is allowed.")]),
            "The downtime, judged by its upper bound, on every track, in every repeat."),
        .optional(
            "client",
            .object([
                .required(
                    "downtime", .object([.required("max", .duration(), "The longest downtime that is allowed.")]),
                    "The downtime of the client of probes.client, judged by its upper bound, in every repeat.")
            ]),
            "The promise about probes.client. Without it the client is measured and not judged."),
        .optional("recoveredWithin", positive, "The longest time from the fault to lasting health."),
        .optional("lostWrites", .integer(0...1_000_000), .integer(0), "The number of acknowledged rows that may be lost."),
        .optional(
            "node", .choice(Experiment.Expectations.Node.allCases.map(\.rawValue)), .string("any"),
            "The node on which the instance comes back."),
        .optional(
            "shutdown", .choice(Experiment.Expectations.Shutdown.allCases.map(\.rawValue)), .string("any"),
            "clean: a server that is told to stop ends by itself and is not killed at the end of its grace period."),
        .optional(
            "instances", .choice(Experiment.Expectations.Instances.allCases.map(\.rawValue)), .string("any"),
            "one: the old server is seen to end before a new one is ready, so that never two have the volume open."),
    ]

    private static let safety: [Field] = [
        .optional(
            "requireSpareNode", .boolean, .boolean(false), "Refuse to run if no other node can take the pod. Node faults always refuse."),
        .optional("allowControlPlane", .boolean, .boolean(false), "Allow node faults on a control-plane node."),
        .optional("allowSystemNamespaces", .boolean, .boolean(false), "Allow a target in kube-system and the like."),
        .optional("allowSingleNode", .boolean, .boolean(false), "Allow node faults where there is one schedulable node."),
    ]
}

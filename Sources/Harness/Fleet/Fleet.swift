public import Experiment
public import JSON

/// A validated fleet file: an inventory of clusters, and the settings of their runs.
public struct Fleet: Sendable, Hashable {
    /// The source of a cluster's kubeconfig.
    public enum Kubeconfig: Sendable, Hashable {
        case secret(name: String, key: String)
        /// A variable with the kubeconfig, or with the path of its file.
        case environment(String)
        case file(String)
    }

    /// A cluster of the fleet, and the way to it.
    public struct Cluster: Sendable, Hashable {
        public var name: String
        public var labels: [String: String]
        public var kubeconfig: Kubeconfig
        public var context: String?

        func has(_ wanted: [String: String]) -> Bool { wanted.allSatisfy { labels[$0.key] == $0.value } }
    }

    /// A store for the shards' reports.
    public struct Upload: Sendable, Hashable {
        /// `s3://BUCKET/PREFIX`.
        public var to: String
        public var endpoint: String?
        public var region: String
        /// The Secret with the key.
        public var secret: String?
    }

    /// Experiment files, and the labels of the clusters that they are for.
    public struct Experiments: Sendable, Hashable {
        public var files: [String]
        public var clusters: [String: String]
    }

    /// Clusters that run after those of earlier waves, with their limits.
    public struct Wave: Sendable, Hashable {
        public var name: String
        public var clusters: [Cluster]
        public var parallel: Int
        public var stopAfter: Int
    }

    public var name: String
    public var clusters: [Cluster]
    public var experiments: [Experiments]
    /// The waves. Each cluster is in exactly one of them.
    public var waves: [Wave]
    public var stopAfter: Int
    public var quietHours: [QuietHours]
    public var image: String
    public var namespace: String
    public var reportsClaim: String
    public var restarts: Int
    public var upload: Upload?
    /// The document with every default filled in.
    let effective: JSONValue

    /// Returns the files of a cluster's experiments, in the order of the fleet file.
    public func files(of cluster: Cluster) -> [String] {
        var seen: Set<String> = []
        return experiments.filter { cluster.has($0.clusters) }.flatMap(\.files).filter { seen.insert($0).inserted }
    }

    public func wave(of cluster: Cluster) -> Wave? { waves.first { $0.clusters.contains { $0.name == cluster.name } } }
}

/// Fleet files.
public enum FleetFile {
    public static var jsonSchema: JSONValue { Format.fleet.schemaForEditors(title: "Aftershock fleet") }

    /// Reads a fleet from the text of a file.
    ///
    /// - Throws: an ``ExperimentFileError`` with all problems of the file.
    public static func parse(_ text: String, file: String) throws(ExperimentFileError) -> Fleet {
        var count = 0
        let documents = try FormatFile.documents(text, file: file, as: .fleet, empty: "docs/fleet.md has an example") {
            count += 1
            if count == 2 { $1.report($0.position, "a fleet is one document", hint: "give each fleet a file of its own") }
            checkTogether($0, &$1)
        }
        guard let document = documents.first else { preconditionFailure("a file without a document is an error") }
        return Fleet(document)
    }

    /// Checks the rules over several fields: unique names, a wave and an experiment for every cluster, no empty selection.
    private static func checkTogether(_ document: FormatValue, _ validator: inout FormatValidator) {
        let spec = document.object("spec")
        let clusters = spec.objects("clusters").map { (value: $0, cluster: Fleet.Cluster($0)) }
        for (list, kind) in [(spec.objects("clusters"), "cluster"), (spec.objects("waves"), "wave")] {
            var seen: Set<String> = []
            for value in list where !seen.insert(value.requiredText("name")).inserted {
                validator.report(
                    value["name"]?.position ?? value.position, "the \(kind) '\(value.requiredText("name"))' is here more than once")
            }
        }
        let labels = Set(clusters.flatMap { $0.cluster.labels.map { "\($0.key): \($0.value)" } }).sorted()
        var left = clusters
        for wave in spec.objects("waves") {
            let wanted = wave.stringMap("clusters")
            let count = left.count
            left.removeAll { $0.cluster.has(wanted) }
            if left.count == count {
                let hint = wanted.count == 1 ? wanted.first.flatMap { closest(to: "\($0.key): \($0.value)", among: labels) } : nil
                validator.report(
                    wave["clusters"]?.position ?? wave.position, "the wave '\(wave.requiredText("name"))' has no cluster",
                    hint: hint.map { "did you mean {\($0)}?" } ?? "a cluster is in the first wave whose labels it has")
            }
        }
        for (value, cluster) in left {
            validator.report(
                value.position, "the cluster '\(cluster.name)' is in no wave", hint: "a last wave without clusters takes all the others")
        }
        let selections = spec.objects("experiments").map { ($0, $0.stringMap("clusters")) }
        for (value, wanted) in selections where !clusters.contains(where: { $0.cluster.has(wanted) }) {
            let hint = wanted.count == 1 ? wanted.first.flatMap { closest(to: "\($0.key): \($0.value)", among: labels) } : nil
            validator.report(
                value["clusters"]?.position ?? value.position, "no cluster has the labels of these experiments",
                hint: hint.map { "did you mean {\($0)}?" })
        }
        for (value, cluster) in clusters where !selections.contains(where: { cluster.has($0.1) }) {
            validator.report(
                value.position, "the cluster '\(cluster.name)' has no experiment", hint: "add an entry of spec.experiments for its labels")
        }
        for hours in spec.objects("quietHours") {
            for day in hours.strings("days") ?? [] where !QuietHours.days.contains(day) {
                validator.report(
                    hours["days"]?.position ?? hours.position,
                    "spec.quietHours: '\(day)' is not one of \(QuietHours.days.joined(separator: ", "))",
                    hint: closest(to: day, among: QuietHours.days).map { "did you mean '\($0)'?" })
            }
            if QuietHours.zone(hours.requiredText("timeZone")) == nil {
                validator.report(
                    hours["timeZone"]?.position ?? hours.position,
                    "spec.quietHours: '\(hours.requiredText("timeZone"))' is not a time zone",
                    hint: "for example Europe/Berlin")
            }
            if hours.requiredText("from") == hours.requiredText("to"), (hours.strings("days") ?? QuietHours.days).count == 7 {
                validator.report(hours.position, "spec.quietHours: no shard could ever start: every hour of every day is quiet")
            }
        }
    }
}

extension Fleet {
    fileprivate init(_ document: FormatValue) {
        let spec = document.object("spec")
        name = document.object("metadata").requiredText("name")
        clusters = spec.objects("clusters").map(Cluster.init)
        experiments = spec.objects("experiments").map { Experiments(files: $0.strings("files") ?? [], clusters: $0.stringMap("clusters")) }
        stopAfter = spec.integer("stopAfter")
        quietHours = spec.objects("quietHours").map(QuietHours.init)
        image = spec.requiredText("image")
        namespace = spec.requiredText("namespace")
        reportsClaim = spec.requiredText("reportsClaim")
        restarts = spec.integer("restarts")
        upload = spec["upload"].map { _ in
            let upload = spec.object("upload")
            return Upload(
                to: upload.requiredText("to"), endpoint: upload.text("endpoint"), region: upload.requiredText("region"),
                secret: upload.text("secret"))
        }
        effective = document.content.json
        var left = clusters
        waves = []
        for value in spec.objects("waves") {
            let wanted = value.stringMap("clusters")
            waves.append(
                Wave(
                    name: value.requiredText("name"), clusters: left.filter { $0.has(wanted) },
                    parallel: value["parallel"] == nil ? spec.integer("parallel") : value.integer("parallel"),
                    stopAfter: value["stopAfter"] == nil ? spec.integer("stopAfter") : value.integer("stopAfter")))
            left.removeAll { $0.has(wanted) }
        }
    }
}

extension Fleet.Cluster {
    init(_ value: FormatValue) {
        let (kind, source) = value.object("kubeconfig").only
        let kubeconfig: Fleet.Kubeconfig
        switch kind {
        case "secret": kubeconfig = .secret(name: source.requiredText("name"), key: source.requiredText("key"))
        case "env": kubeconfig = .environment(value.object("kubeconfig").requiredText("env"))
        default: kubeconfig = .file(value.object("kubeconfig").requiredText("file"))
        }
        self.init(
            name: value.requiredText("name"), labels: value.stringMap("labels"), kubeconfig: kubeconfig, context: value.text("context"))
    }
}

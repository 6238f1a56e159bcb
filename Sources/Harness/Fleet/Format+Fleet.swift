import Experiment

extension Format {
    /// The format of a fleet file's document.
    static let fleet = Format.object([
        .required("apiVersion", .choice(["aftershock/v1"]), "The version of this format."),
        .required("kind", .choice(["Fleet"]), "The kind of this document."),
        .required(
            "metadata", .object([.required("name", label, "The fleet's name, with which the names of all Jobs begin.")]),
            "The fleet's name."),
        .required("spec", .object(spec), "The clusters, their experiments, and the order of the waves."),
    ])

    /// A name that is a part of a Job's name, and of a label value of the Job's pods.
    private static let label = Format.string(
        pattern: "^[a-z0-9]([-a-z0-9]{0,26}[a-z0-9])?$", meaning: "at most 28 lower-case letters, digits and '-'")

    private static let cluster = Format.string(
        pattern: "^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$", meaning: "at most 63 lower-case letters, digits, '-' and '.'")

    private static let time = Format.string(pattern: "^([01][0-9]|2[0-3]):[0-5][0-9]$", meaning: "a time of day such as \"08:30\"")

    private static let spec: [Field] = [
        .required(
            "clusters",
            .objects([
                .required("name", cluster, "The cluster's name, and that of its folder of reports."),
                .optional("labels", .stringMap, "Labels, by which waves and experiments choose clusters."),
                .required(
                    "kubeconfig",
                    .oneOf([
                        .optional(
                            "secret",
                            .object([
                                .required("name", dnsName, "The Secret's name, in the namespace of the Jobs."),
                                .optional("key", text, .string("kubeconfig"), "The key in the Secret."),
                            ]), "A Secret, for --to job, jobs and argo."),
                        .optional("env", variable, "A variable or secret of the CI system that holds it, for --to github and gitlab."),
                        .optional("file", text, "A file on the machine that runs the shard."),
                    ]), "The place of the cluster's kubeconfig: exactly one of secret, env and file."),
                .optional("context", text, "The kubeconfig's context. Default: its current one."),
            ]), "The clusters, in the order in which they are visited."),
        .required(
            "experiments",
            .objects([
                .required("files", .strings, "Experiment files, or folders of them, relative to this file."),
                .optional("clusters", .stringMap, "The labels of the clusters that they are for. Default: every cluster."),
            ]), "The experiments of each cluster: those of every entry whose labels it has."),
        .required(
            "waves",
            .objects([
                .required("name", label, "The wave's name."),
                .optional("clusters", .stringMap, "The labels of its clusters. Default: every cluster that no earlier wave has."),
                .optional("parallel", .integer(1...10_000), "The most clusters at once in this wave. Default: spec.parallel."),
                .optional(
                    "stopAfter", .integer(1...10_000),
                    "The number of failed clusters of this wave that stops the line. Default: spec.stopAfter."),
            ]), "The waves, one after the other, canaries first. A cluster is in the first wave that has its labels."),
        .optional("parallel", .integer(1...10_000), .integer(10), "The most clusters at once."),
        .optional(
            "stopAfter", .integer(1...10_000), .integer(1), "The number of failed clusters, over all waves, after which no shard starts."),
        .optional(
            "quietHours",
            .objects([
                .required("from", time, "The time of day at which they begin."),
                .required("to", time, "The time of day at which they end; on the next day when it is not after from."),
                .optional("days", .strings, "The days on which they begin, of mon, tue, wed, thu, fri, sat and sun. Default: every day."),
                .optional("timeZone", text, .string("UTC"), "The time zone, such as Europe/Berlin."),
            ]), "Hours in which no shard starts, and into which none is expected to last."),
        .optional("image", text, .string("localhost/aftershock:dev"), "The image of the harness."),
        .optional("namespace", dnsName, .string("aftershock"), "The namespace of the Jobs and of their Secrets."),
        .optional(
            "reportsClaim", dnsName, .string("reports"),
            "The PersistentVolumeClaim, ReadWriteMany, on which the shards leave their reports."),
        .optional(
            "upload",
            .object([
                .required(
                    "to", .string(pattern: "^s3://[A-Za-z0-9._-]+(/[^ ]*)?$", meaning: "a bucket such as s3://bucket/prefix"),
                    "The bucket, and the prefix below which every cluster has a folder."),
                .optional("endpoint", text, "The address of the store. Default: that of AWS for the region."),
                .optional("region", text, .string("us-east-1"), "The region in the signature."),
                .optional(
                    "secret", dnsName,
                    "The Secret with AFTERSHOCK_S3_ACCESS_KEY_ID and AFTERSHOCK_S3_SECRET_ACCESS_KEY, for --to job, jobs and argo."),
            ]), "An S3-compatible store to which each shard sends its reports when its run is over."),
        .optional(
            "restarts", .integer(0...10), .integer(3),
            "The number of times that a shard is started again after it was killed or interrupted."),
    ]

    private static let variable = Format.string(pattern: "^[A-Za-z_][A-Za-z0-9_]*$", meaning: "the name of a variable")
}

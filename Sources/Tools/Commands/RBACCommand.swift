import ArgumentParser
import Experiment
import Fault
import JSON
import Kubernetes
import Run

struct RBACCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rbac",
        abstract: "Print the ServiceAccount, the Roles and the bindings that the experiments need.",
        discussion: "Apply it with: aftershock rbac FILES | kubectl apply -f -. With -o json it is a List, which kubectl takes as well.")

    @OptionGroup var experiments: ExperimentPaths

    @Option(help: "The name of the ServiceAccount and of its Roles.")
    var serviceAccount = "aftershock"

    @Option(name: [.customShort("n"), .long], help: "The ServiceAccount's namespace.")
    var namespace = "aftershock"

    @Option(help: "The namespace of the experiments that do not name theirs.")
    var targetNamespace = "default"

    @Option(help: "The image of helper pods, instead of the experiments' own.")
    var helperImage: String?

    @Flag(help: "Add permissions that only make the reports more detailed: to read the states of nodes and volumes.")
    var withOptional = false

    @OptionGroup var output: OutputOption

    func run() throws {
        let permissions = try experiments.load(namespace: targetNamespace).flatMap(\.experiments).flatMap { experiment in
            let permissions = Permissions(
                experiment: experiment,
                fault: FaultCatalog.standard.injection(experiment.fault, options: FaultOptions(helperImage: helperImage)))
            return permissions.required + (withOptional ? permissions.optional : [])
        }
        let manifest = RBACManifest(account: serviceAccount, namespace: namespace, permissions: permissions)
        try output.print(
            text: manifest.objects.map { try $0.yaml() }.joined(separator: "---\n"),
            json: ["apiVersion": "v1", "kind": "List", "items": .array(manifest.objects)])
    }
}

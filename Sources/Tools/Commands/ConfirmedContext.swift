import ArgumentParser

/// The option that says in which cluster a command may act.
struct ConfirmedContext: ParsableArguments {
    @Option(
        name: .customLong("confirm-context"),
        help: ArgumentHelp(
            "The name of the kubeconfig's context that you expect. Not needed for experiments that name it in spec.target.context.",
            valueName: "context"))
    var name: String?
}

import ArgumentParser

struct CompletionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completion",
        abstract: "Print the completion script for a shell.",
        discussion: """
            bash: source <(aftershock completion bash)
            zsh:  aftershock completion zsh > "${fpath[1]}/_aftershock"
            fish: aftershock completion fish > ~/.config/fish/completions/aftershock.fish
            """)

    enum Shell: String, ExpressibleByArgument, CaseIterable {
        case bash, zsh, fish
    }

    @Argument(help: "The shell.")
    var shell: Shell

    func run() {
        let known: CompletionShell =
            switch shell {
            case .bash: .bash
            case .zsh: .zsh
            case .fish: .fish
            }
        StandardStream.output.write(Aftershock.completionScript(for: known) + "\n")
    }
}

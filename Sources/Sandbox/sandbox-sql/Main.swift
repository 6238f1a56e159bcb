import ArgumentParser
import Foundation
import SandboxSQL

@main
enum Main {
    static func main() {
        if let code = PodTool.run(CommandLine.arguments) { exit(code) }
        SandboxSQLCommand.main()
    }
}

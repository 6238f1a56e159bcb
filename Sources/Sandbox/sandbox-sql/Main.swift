import ArgumentParser
import SandboxSQL

@main
enum Main {
    static func main() {
        SandboxSQLCommand.main()
    }
}

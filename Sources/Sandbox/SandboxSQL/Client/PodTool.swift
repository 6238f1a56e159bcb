import Foundation

/// The other names of the program, under which pods of the sandbox have it.
public enum PodTool {
    /// Runs the tool that the first argument names.
    ///
    /// - Returns: its exit code; `nil` when the program is the server.
    public static func run(_ arguments: [String]) -> Int32? {
        guard let path = arguments.first else { return nil }
        let rest = Array(arguments.dropFirst())
        switch URL(filePath: path).lastPathComponent {
        case KeepOwner.programName: return KeepOwner.run(rest)
        case SQLCommand.programName:
            return SQLCommand.run(rest, environment: ProcessEnvironment.current, isOfVersion17: path.contains("/mssql-tools/"))
        default: return nil
        }
    }
}

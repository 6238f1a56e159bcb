import ArgumentParser
import Experiment
import Files
import Journal

/// Reads a file of the user, such as a fleet or a list of known failures.
///
/// Reports all of its problems before it throws.
func parsed<Value>(_ path: String, by parse: (String, String) throws(ExperimentFileError) -> Value) throws -> Value {
    do {
        return try parse(try InputFile.text(path), path)
    } catch let error as ExperimentFileError {
        standardError(error.description)
        throw ExitCode(AftershockExit.usage)
    } catch {
        throw CommandError.unusable("\(path) cannot be read: \(words(for: error).replacing("\(path): ", with: ""))")
    }
}

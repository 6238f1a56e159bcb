import ArgumentParser
import Experiment
import Files
import Journal

/// Reads a file that a person names and has written, such as a fleet or a list of known failures.
///
/// Says everything that is wrong with it before it throws.
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

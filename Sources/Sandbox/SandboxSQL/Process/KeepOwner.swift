import CSeccomp
import Foundation

/// `keep-owner PROGRAM ARGUMENT...`: runs a program for which every change of a file's owner succeeds and changes nothing. A machine of the
/// sandbox has one user, so that `chown 10001` in an init container could only fail.
enum KeepOwner {
    static let programName = "keep-owner"

    /// Becomes the program; returns only when that fails, with an exit code as a shell's.
    static func run(_ arguments: [String]) -> Int32 {
        guard let program = arguments.first else { return 64 }
        // Where the kernel does not let processes be filtered, owners cannot be changed as before.
        _ = aftershock_ignore_owner_changes()
        var pointers = arguments.map { strdup($0) }
        pointers.append(nil)
        execvp(program, pointers)
        let error = errno
        FileHandle.standardError.write(Data("exec: \"\(program)\": \(String(cString: strerror(error)))\n".utf8))
        return error == ENOENT ? 127 : 126
    }
}

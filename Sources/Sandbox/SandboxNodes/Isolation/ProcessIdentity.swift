package import Foundation
import SandboxStore

/// Whom the sandbox's processes run as, seen from the host.
///
/// An ordinary user's processes stay that user's. Root's become those of an id that nobody has, so that the sandbox's root is powerless
/// outside of its namespaces there too.
package struct ProcessIdentity: Sendable, Equatable {
    /// `nil` for the user's own.
    package let id: uid_t?

    /// 65000 to 65533 are reserved by Debian policy 9.2.2 and by the users' mapping of other distributions: no account has them.
    package static func current(offset: Int) -> ProcessIdentity {
        ProcessIdentity(id: geteuid() == 0 ? 65_000 + uid_t(offset) : nil)
    }

    /// Makes a file or folder the sandbox's own.
    package func own(_ path: String) throws(IsolationError) {
        guard let id else { return }
        guard chown(path, id, id) == 0 else {
            throw IsolationError(.startFailed, "cannot give \(path) to user \(id): \(String(cString: strerror(errno)))")
        }
    }

    /// The same for one that is open.
    package func own(_ descriptor: Int32, _ name: String) throws(IsolationError) {
        guard let id else { return }
        guard fchown(descriptor, id, id) == 0 else {
            throw IsolationError(.startFailed, "cannot give \(name) to user \(id): \(String(cString: strerror(errno)))")
        }
    }
}

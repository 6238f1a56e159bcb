import Synchronization

/// The environment variables that hold a password of this process. The commands of experiments do not inherit them.
public enum SecretVariables {
    private static let hidden = Mutex<Set<String>>([])

    static var names: Set<String> { hidden.withLock { $0 } }

    public static func hide(_ name: String) { hidden.withLock { _ = $0.insert(name) } }
}

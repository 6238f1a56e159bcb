/// The WebSocket subprotocols of exec (https://kubernetes.io/docs/reference/using-api/websockets/), the preferred one first.
public enum ExecProtocol: String, Sendable, CaseIterable {
    /// With a way to close standard input.
    case v5 = "v5.channel.k8s.io"
    case v4 = "v4.channel.k8s.io"
}

/// The first byte of each binary message of exec (apimachinery pkg/util/remotecommand).
public enum ExecChannel: UInt8, Sendable {
    case standardInput = 0
    case standardOutput = 1
    case standardError = 2
    /// One `metav1.Status`: how the command ended.
    case error = 3
    /// A terminal's new size.
    case resize = 4
    /// Version 5: the payload names the channel that is closed.
    case close = 255
}

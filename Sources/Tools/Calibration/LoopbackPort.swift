import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A reserved TCP port of a loopback address, also while nothing listens on it.
///
/// A socket that is bound and does not listen keeps the port: the kernel refuses connects to it, nothing else can bind it, and no outgoing
/// connection gets it as its own port, with which it could reach itself.
final class LoopbackPort: Sendable {
    let address: SocketAddress
    private let placeholder: CInt

    /// - Parameter host: a loopback address that nothing else uses, because other sockets of this user may share the port.
    init(host: String) throws {
        let placeholder = try Self.boundSocket(SocketAddress(ipAddress: host, port: 0))
        do {
            address = try Self.localAddress(placeholder, host: host)
        } catch {
            close(placeholder)
            throw error
        }
        self.placeholder = placeholder
    }

    deinit {
        close(placeholder)
    }

    /// Makes connects to the port hang as if their packets were lost: a listener whose queue is full and never emptied drops them.
    func blackHole() throws -> BlackHole {
        try BlackHole(address)
    }

    fileprivate static func boundSocket(_ address: SocketAddress) throws -> CInt {
        let descriptor = try checked("socket") { socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0) }
        do {
            var on: CInt = 1
            for option in [SO_REUSEADDR, SO_REUSEPORT] {
                try checked("setsockopt") { setsockopt(descriptor, SOL_SOCKET, option, &on, socklen_t(MemoryLayout<CInt>.size)) }
            }
            try address.withSockAddr { pointer, size in
                _ = try checked("bind") { bind(descriptor, pointer, socklen_t(size)) }
            }
            return descriptor
        } catch {
            close(descriptor)
            throw error
        }
    }

    private static func localAddress(_ descriptor: CInt, host: String) throws -> SocketAddress {
        // A sockaddr of any family begins with the family and, in network order, the port.
        var storage = [UInt8](repeating: 0, count: 128)
        var size = socklen_t(storage.count)
        try storage.withUnsafeMutableBytes { bytes in
            _ = try checked("getsockname") {
                getsockname(descriptor, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), &size)
            }
        }
        return try SocketAddress(ipAddress: host, port: Int(storage[2]) << 8 | Int(storage[3]))
    }
}

/// A listener with a full queue. Connects hang, and go on when it is closed and another listens: TCP sends its SYN again.
final class BlackHole: Sendable {
    private let descriptors: [CInt]

    fileprivate init(_ address: SocketAddress) throws {
        var descriptors: [CInt] = []
        do {
            let listener = try LoopbackPort.boundSocket(address)
            descriptors.append(listener)
            try checked("listen") { listen(listener, 0) }
            // The shortest queue of Linux has one connection, so that the second one is dropped.
            for _ in 0..<2 {
                let filler = try checked("socket") {
                    socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue), 0)
                }
                descriptors.append(filler)
                try address.withSockAddr { pointer, size in
                    guard connect(filler, pointer, socklen_t(size)) == 0 || errno == EINPROGRESS else {
                        throw IOError(errnoCode: errno, reason: "connect")
                    }
                }
            }
        } catch {
            for descriptor in descriptors { close(descriptor) }
            throw error
        }
        self.descriptors = descriptors
    }

    deinit {
        for descriptor in descriptors { close(descriptor) }
    }
}

@discardableResult
private func checked(_ function: String, _ call: () -> CInt) throws -> CInt {
    let result = call()
    guard result >= 0 else { throw IOError(errnoCode: errno, reason: function) }
    return result
}

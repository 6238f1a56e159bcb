/// A connection to the server, through proxy and TLS. It carries a protocol that libcurl does not speak. It ends when nobody reads
/// ``body`` any more.
struct CurlConnection: Sendable {
    let id: Int
    let mailbox: CurlMailbox
    /// The server's bytes.
    let body: CurlBody

    func send(_ bytes: [UInt8]) { mailbox.post(.send(id, bytes)) }
}

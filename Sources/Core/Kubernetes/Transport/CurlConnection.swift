/// A connection to the server, through proxy and TLS, for another protocol than libcurl's. It ends when ``body`` is no longer read.
struct CurlConnection: Sendable {
    let id: Int
    let mailbox: CurlMailbox
    /// The server's bytes.
    let body: CurlBody

    func send(_ bytes: [UInt8]) { mailbox.post(.send(id, bytes)) }
}

// SPDX-License-Identifier: Apache-2.0
import Glibc

/// An answer of the server.
struct Answer: Codable, Equatable {
    var status: Int
    var body: String
}

/// A connection to the server with one request on its way; it is closed when it is released.
final class Connection {
    private let socket: Int32

    /// What the system refused.
    struct Refused: Error, Codable {
        var call: String
        var errno: Int32
    }

    /// Sends a request and does not wait for its answer.
    init(port: UInt16, _ head: String, body: String = "") throws(Refused) {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard socket >= 0 else { throw Refused(call: "socket", errno: errno) }
        // A server that does not answer fails the check instead of stopping it.
        var deadline = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &deadline, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw Refused(call: "connect", errno: errno) }
        let request =
            "\(head) HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)"
        guard send(socket, request, request.utf8.count, Int32(MSG_NOSIGNAL)) == request.utf8.count else {
            throw Refused(call: "send", errno: errno)
        }
    }

    deinit { close(socket) }

    /// Whether the answer has begun, or the server has closed the connection.
    var hasAnswer: Bool {
        var descriptor = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        return poll(&descriptor, 1, 0) != 0
    }

    /// Waits for the answer.
    func answer() throws(Refused) -> Answer {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(socket, &buffer, buffer.count, 0)
            guard count >= 0 else { throw Refused(call: "recv", errno: errno) }
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        let text = String(decoding: bytes, as: UTF8.self)
        let status = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        let end = text.firstRange(of: "\r\n\r\n")?.upperBound ?? text.endIndex
        return Answer(status: status, body: String(text[end...]))
    }
}

internal import Glibc

/// Why an item has no result, as its worker says it.
struct WorkerError: Codable, Equatable {
    enum Kind: UInt8, Codable {
        /// The body threw.
        case thrown
        /// The result's `encode(to:)` threw.
        case notEncodable
        /// The worker's arena has no room for the result.
        case noRoom
        /// The input's `init(from:)` threw.
        case inputNotDecodable
        /// The job cannot be had in the worker.
        case notRunnable
    }

    var kind: Kind
    var pid: Int32
    /// The type of what was thrown, and once it could be had, its description.
    var text: String
    /// What was thrown, encoded, if it is `Codable`.
    var payload: [UInt8]?
    /// The errno of the system call that was refused, if that is why.
    var errno: Int32?

    /// Makes the report of an error that the body threw, without asking the error for its description.
    init(throwing error: any Error) {
        kind = .thrown
        pid = getpid()
        text = _typeName(type(of: error), qualified: false)
        payload = (error as? any Error & Encodable).flatMap { try? Self.bytes(of: $0) }
    }

    /// Makes the report of an error that encoding a result ended with.
    init(encoding error: any Error) {
        pid = getpid()
        payload = nil
        if error is BinaryEncoder.OutOfSpace {
            kind = .noRoom
            text = ""
        } else {
            kind = .notEncodable
            text = String(describing: error)
        }
    }

    /// Makes the report of an error that decoding an input ended with.
    init(decoding error: any Error) {
        kind = .inputNotDecodable
        pid = getpid()
        text = String(describing: error)
        payload = nil
    }

    /// Makes the report of an error that kept a worker from being set up: what `setUp` threw, or what the system refused.
    init(notSetUp error: any Error) {
        if error is SystemError {
            self.init(notRunnable: error)
        } else {
            self = WorkerError(throwing: error).described(by: error)
        }
    }

    /// Makes the report of an error that kept the job from being had.
    init(notRunnable error: any Error) {
        self.init(losing: String(describing: error))
        kind = .notRunnable
        errno = (error as? SystemError)?.code
    }

    /// Makes the report of an error of which no more is known than `text`.
    init(losing text: String) {
        kind = .thrown
        pid = getpid()
        self.text = text
        payload = nil
    }

    /// The same with the error's own description, which runs the body's code.
    func described(by error: any Error) -> WorkerError {
        var report = self
        let description = String(describing: error)
        if description != text { report.text += ": " + description }
        return report
    }

    /// Runs the path that a worker takes on an error once in the parent, so that no type is first used in a child.
    static func warmUp() {
        struct Warm: Error, Codable {}
        let report = WorkerError(throwing: Warm()).described(by: Warm())
        if let bytes = try? bytes(of: report) {
            _ = unsafe bytes.withUnsafeBytes { unsafe try? BinaryDecoder.decode(WorkerError.self, from: $0) }
        }
    }

    /// Encodes a small value, such as an error, into an array.
    static func bytes<T: Encodable>(of value: T) throws -> [UInt8] {
        var capacity = 512
        while true {
            do {
                return unsafe try [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
                    count = unsafe try BinaryEncoder().encode(value, into: UnsafeMutableRawBufferPointer(buffer))
                }
            } catch let error as BinaryEncoder.OutOfSpace {
                guard capacity < 1 << 30 else { throw error }
                capacity *= 8
            }
        }
    }
}

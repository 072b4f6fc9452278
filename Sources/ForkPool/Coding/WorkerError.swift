// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Why an item has no result, as its worker reports it.
struct WorkerError: Codable, Equatable {
    enum Kind: UInt8, Codable {
        case thrown
        /// What makes the worker's state threw.
        case stateNotMade
        /// The result's `encode(to:)` threw.
        case notEncodable
        /// The worker's arena has no room for the result.
        case noRoom
        /// The input's `init(from:)` threw.
        case inputNotDecodable
        /// The worker could not load the job, or the system refused a limit.
        case notRunnable
    }

    var kind: Kind
    var pid = getpid()
    /// The type of the thrown error and, if that did not end the worker, its description.
    var text: String
    /// The thrown error, encoded, if it is `Codable`.
    var payload: [UInt8]?
    var errno: Int32?

    private init(_ kind: Kind, _ text: String) {
        self.kind = kind
        self.text = text
    }

    /// Describes an error of the body, without calling the error's own description.
    init(throwing error: any Error) {
        self.init(.thrown, _typeName(type(of: error), qualified: false))
        payload = (error as? any Error & Encodable).flatMap { try? Self.bytes(of: $0) }
    }

    init(encoding error: any Error) {
        if error is BinaryEncoder.OutOfSpace {
            self.init(.noRoom, "")
        } else {
            self.init(.notEncodable, ErrorDescription.of(error))
        }
    }

    init(decoding error: any Error) {
        self.init(.inputNotDecodable, ErrorDescription.of(error))
    }

    /// Describes why a worker could not start: `setUp` threw, or the system refused something.
    init(notSetUp error: any Error) {
        if error is SystemError {
            self.init(notRunnable: error)
        } else {
            self = WorkerError(throwing: error).described(by: error)
        }
    }

    /// Says that what was thrown came from what makes the worker's state.
    mutating func becomeStateNotMade() {
        if kind == .thrown { kind = .stateNotMade }
    }

    init(notRunnable error: any Error) {
        let refusal = error as? SystemError
        self.init(.notRunnable, refusal.map { "\($0); \($0.advice)" } ?? ErrorDescription.of(error))
        errno = refusal?.code
    }

    init(losing text: String) {
        self.init(.thrown, text)
    }

    /// Adds the error's own description, which runs the body's code.
    func described(by error: any Error) -> WorkerError {
        var described = self
        let description = ErrorDescription.of(error)
        if description != text { described.text += ": " + description }
        return described
    }

    /// Uses everything that a worker uses for an error once, in the parent: a child should not be the first to use a type.
    static func warmUp() {
        struct Warm: Error, Codable {}
        let error = WorkerError(throwing: Warm()).described(by: Warm())
        if let bytes = try? bytes(of: error) {
            _ = unsafe bytes.withUnsafeBytes { unsafe try? BinaryDecoder.decode(WorkerError.self, from: $0) }
        }
    }

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

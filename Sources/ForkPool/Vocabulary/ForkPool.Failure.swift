extension ForkPool {
    /// Why an item has no result, or why a map failed as a whole.
    public struct Failure: Error, Sendable {
        /// What kind of failure it is.
        public struct Code: Hashable, Sendable, CustomStringConvertible {
            enum Kind: Hashable, Sendable {
                case thrown, crashed, exited, killed, notEncodable, notDecodable, noMemory, forkRefused
                case threadsRefused, cancelled, corrupted, lost, setUpFailed, closed, timedOut, notRunnable
                case deadlocked, memoryLimitExceeded, cpuTimeLimitExceeded, restartedTooOften
            }

            let kind: Kind

            /// The code's name.
            public var description: String { "\(kind)" }

            /// The body threw an error; `thrown` has it.
            public static let thrown = Code(kind: .thrown)
            /// The worker trapped, aborted, overflowed its stack, or ended by another signal of its own fault.
            public static let crashed = Code(kind: .crashed)
            /// The body ended the process with `exit`, with any status.
            public static let exited = Code(kind: .exited)
            /// A signal that is not a crash ended the worker: from outside, such as the OOM killer's SIGKILL, or its own.
            public static let killed = Code(kind: .killed)
            /// The result's, or the input's, `encode(to:)` threw.
            public static let notEncodable = Code(kind: .notEncodable)
            /// The result's, or the input's, `init(from:)` threw.
            public static let notDecodable = Code(kind: .notDecodable)
            /// The system refused memory, or a result is larger than a worker's share of it.
            public static let noMemory = Code(kind: .noMemory)
            /// The system refused a process, a thread or a descriptor, and no worker runs.
            public static let forkRefused = Code(kind: .forkRefused)
            /// The process has other threads and `Options.refusesThreads` is set.
            public static let threadsRefused = Code(kind: .threadsRefused)
            /// The task that asked for the map, the call or the pool was cancelled.
            public static let cancelled = Code(kind: .cancelled)
            /// A worker left impossible values in shared memory.
            public static let corrupted = Code(kind: .corrupted)
            /// The host took the worker's status, so the pool does not know how it ended.
            public static let lost = Code(kind: .lost)
            /// A worker's `setUp` threw, exited or crashed.
            public static let setUpFailed = Code(kind: .setUpFailed)
            /// The resident pool was already closed or cancelled.
            public static let closed = Code(kind: .closed)
            /// The body took longer than `Options.timeout`, or a wait reached its time limit.
            public static let timedOut = Code(kind: .timedOut)
            /// The body waited for a wake that nothing was left to send: proven, not guessed.
            public static let deadlocked = Code(kind: .deadlocked)
            /// The body asked for more memory than `Options.memoryLimit`.
            public static let memoryLimitExceeded = Code(kind: .memoryLimitExceeded)
            /// The worker used more processor time than `Options.cpuTimeLimit`.
            public static let cpuTimeLimitExceeded = Code(kind: .cpuTimeLimitExceeded)
            /// Workers had to be replaced more often than `Options.restartIntensity` allows.
            public static let restartedTooOften = Code(kind: .restartedTooOften)
            /// Workers that are started by exec cannot run the job; the message says why.
            public static let notRunnable = Code(kind: .notRunnable)
        }

        /// Whether the body ran on the item, so that another run would be the second one.
        public enum BodyRan: Sendable {
            /// It did not begin.
            case no
            /// It began, or was about to: a worker publishes its item before it decodes the input.
            case yes
            /// It may have begun.
            case unknown
        }

        /// What kind of failure it is.
        public let code: Code
        /// The item's index in the input, from 0; nil if the map as a whole failed.
        public internal(set) var index: Int?
        /// The process id of the worker, if there was one.
        public internal(set) var pid: Int32?
        /// The signal that ended the worker.
        public internal(set) var signal: Int32?
        /// The status that the worker exited with.
        public internal(set) var exitStatus: Int32?
        /// The errno of the system call that failed.
        public internal(set) var errno: Int32?
        /// Which attempt at the item failed, from 1.
        public internal(set) var attempt = 1
        /// Whether the body ran on the item.
        public internal(set) var bodyRan = BodyRan.unknown
        /// What happened and what to do, without the item's index.
        public internal(set) var message: String
        /// The error that the body threw.
        public internal(set) var thrown: Thrown?

        /// The start of the message of a failure without an index.
        static let map = "the map "

        init(_ code: Code, index: Int?, _ message: String) {
            self.code = code
            self.index = index
            self.message = message
        }

        /// Makes the failure of a whole map that of one of its items.
        @usableFromInline
        func at(_ index: Int) -> Failure {
            var failure = self
            failure.index = index
            if message.hasPrefix(Self.map) { failure.message = String(message.dropFirst(Self.map.count)) }
            return failure
        }
    }
}

extension ForkPool.Failure {
    /// An error that a body threw in a worker.
    public struct Thrown: Sendable, CustomStringConvertible {
        /// The error's type and its own description.
        public let description: String
        let payload: [UInt8]?

        /// Decodes the error, if it is `Codable` and of this type.
        ///
        /// - Parameter type: The error's type.
        /// - Returns: The error; nil if it is not `Codable` or does not decode as this type.
        public func decode<E: Error & Decodable>(as type: E.Type) -> E? {
            guard let payload else { return nil }
            return unsafe payload.withUnsafeBytes { unsafe try? BinaryDecoder.decode(type, from: $0) }
        }
    }
}

extension ForkPool.Failure: CustomStringConvertible {
    /// A sentence that says what happened and what to do.
    public var description: String {
        guard let index else { return message }
        return attempt == 1 ? "item \(index) \(message)" : "item \(index), at attempt \(attempt), \(message)"
    }
}

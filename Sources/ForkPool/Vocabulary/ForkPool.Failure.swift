// SPDX-License-Identifier: Apache-2.0
extension ForkPool {
    /// The reason why an item has no result, or why a whole map failed.
    public struct Failure: Error, Sendable {
        /// The kind of the failure.
        public struct Code: Hashable, Sendable, CustomStringConvertible {
            /// The names are the coded form of a code: a name never changes.
            enum Kind: String, Sendable {
                case thrown, crashed, exited, killed, notEncodable, notDecodable, noMemory, forkRefused
                case threadsRefused, cancelled, corrupted, lost, setUpFailed, closed, timedOut, notRunnable
                case deadlocked, memoryLimitExceeded, cpuTimeLimitExceeded, restartedTooOften, killRefused
                case full, shardInvalid, journalFailed, launchRefused, ranksDiffer
            }

            let kind: Kind

            /// The name of the code.
            public var description: String { kind.rawValue }

            /// The body, or the source of a stream, threw an error, which is in `Failure.thrown`.
            public static let thrown = Code(kind: .thrown)
            /// The worker trapped, aborted, overflowed its stack, or crashed by another signal.
            public static let crashed = Code(kind: .crashed)
            /// The body called `exit`, with any status.
            public static let exited = Code(kind: .exited)
            /// A signal other than a crash ended the worker: from outside, such as SIGKILL of the OOM killer, or from
            /// itself.
            public static let killed = Code(kind: .killed)
            /// `encode(to:)` of the result, or of the input, threw.
            public static let notEncodable = Code(kind: .notEncodable)
            /// `init(from:)` of the result, or of the input, threw.
            public static let notDecodable = Code(kind: .notDecodable)
            /// The system refused memory, or a result does not fit into the worker's share of it.
            public static let noMemory = Code(kind: .noMemory)
            /// The system refused a process, a thread or a descriptor, and no worker runs.
            public static let forkRefused = Code(kind: .forkRefused)
            /// The process has other threads, and `Options.refusesThreads` is set.
            public static let threadsRefused = Code(kind: .threadsRefused)
            /// The map, the call or the pool was cancelled.
            public static let cancelled = Code(kind: .cancelled)
            /// The shared memory of the item is damaged.
            public static let corrupted = Code(kind: .corrupted)
            /// How the worker ended is unknown, because the host took its status.
            public static let lost = Code(kind: .lost)
            /// `setUp` of a worker threw, exited or crashed.
            public static let setUpFailed = Code(kind: .setUpFailed)
            /// The resident pool was already closed or cancelled, or the stream was read before.
            public static let closed = Code(kind: .closed)
            /// The body took longer than its timeout, the call was not done by its deadline, or `wait(for:)` took longer than its
            /// time.
            public static let timedOut = Code(kind: .timedOut)
            /// The body waited for a lock that no thread was left to release; this is proven, not guessed.
            public static let deadlocked = Code(kind: .deadlocked)
            /// The body asked for more memory than `Options.memoryLimit`.
            public static let memoryLimitExceeded = Code(kind: .memoryLimitExceeded)
            /// The worker used more processor time than `Options.cpuTimeLimit`.
            public static let cpuTimeLimitExceeded = Code(kind: .cpuTimeLimitExceeded)
            /// Workers had to be replaced more often than `Options.restartIntensity` allows.
            public static let restartedTooOften = Code(kind: .restartedTooOften)
            /// The system refused to end a worker that was to be ended, so the pool ended without it.
            public static let killRefused = Code(kind: .killRefused)
            /// As many maps or calls wait as `Options.maxPending` allows.
            public static let full = Code(kind: .full)
            /// The job cannot run in exec workers; the message says why.
            public static let notRunnable = Code(kind: .notRunnable)
            /// The variables that say which shard this process is contradict each other.
            public static let shardInvalid = Code(kind: .shardInvalid)
            /// The journal cannot be read or written, is in use, or is of another job.
            public static let journalFailed = Code(kind: .journalFailed)
            /// A launcher started several copies of the program, and each of them is alone; the message says what to do.
            public static let launchRefused = Code(kind: .launchRefused)
            /// The hosts of a cluster do not run the same program, or do not make the same call.
            public static let ranksDiffer = Code(kind: .ranksDiffer)
        }

        /// Whether the body ran on the item, so that running it again would be a second time.
        public enum BodyRan: String, Sendable, Codable {
            /// The body did not start.
            case no
            /// The body started, or was about to: a worker records its item before it decodes the input.
            case yes
            /// The body may have started.
            case unknown
        }

        /// The kind of the failure.
        public let code: Code
        /// The index of the item in the input, from 0; nil if the whole map failed.
        public package(set) var index: Int?
        /// The name of the host on which the item ran; nil if it is this one, or if no host has it.
        public package(set) var host: String?
        /// The process ID of the worker; nil if there was none.
        public internal(set) var pid: Int32?
        /// The signal that ended the worker; nil if none did.
        public internal(set) var signal: Int32?
        /// The exit status of the worker; nil if it did not exit.
        public internal(set) var exitStatus: Int32?
        /// The errno of the refused system call; nil if none was refused.
        public internal(set) var errno: Int32?
        /// The number of the attempt that failed, from 1.
        public internal(set) var attempt = 1
        /// Whether the body ran on the item.
        public internal(set) var bodyRan = BodyRan.unknown
        /// The message: what happened and what to do, without the index of the item.
        public internal(set) var message: String
        /// The error that the body, or the source of a stream, threw; nil if neither did.
        public internal(set) var thrown: Thrown?
        /// The error itself that the source of a stream threw; nil if it did not throw.
        ///
        /// A stream reads its source in this process, so the error is there as it was thrown. The index of the failure is
        /// that of the item that the source did not give; the loop has had the outcomes of all items before it. The error
        /// is not coded: a failure that was decoded has `thrown` alone.
        public internal(set) var sourceError: (any Error)?

        /// The beginning of the message of a failure without an index.
        static let map = "the map "

        init(_ code: Code, index: Int?, _ message: String, ran: BodyRan = .unknown) {
            self.code = code
            self.index = index
            self.message = message
            bodyRan = ran
        }

        /// Makes the failure of a whole map that of one of its items.
        @usableFromInline
        package func at(_ index: Int) -> Failure {
            var failure = self
            failure.index = index
            if message.hasPrefix(Self.map) { failure.message = String(message.dropFirst(Self.map.count)) }
            return failure
        }
    }
}

extension ForkPool.Failure {
    /// An error that a body threw in a worker, or the source of a stream in this process.
    public struct Thrown: Sendable, Codable, CustomStringConvertible {
        /// The type and the description of the error.
        public let description: String
        let payload: [UInt8]?
    }

    /// Whether the item, its map, its call or its pool was cancelled: `code` is `cancelled`.
    ///
    /// A cancelled task catches such a failure from `map` and from a call, not a `CancellationError`: `map` throws failures
    /// alone. <doc:Failures> shows how to throw the one for the other.
    public var isCancellation: Bool { code == .cancelled }
}

extension ForkPool.Failure: CustomStringConvertible {
    /// A sentence that says what happened, to which item, and what to do.
    public var description: String {
        let place = host.map { " on \($0)" } ?? ""
        guard let index else { return host.map { "\($0): \(message)" } ?? message }
        return attempt == 1
            ? "item \(index)\(place) \(message)" : "item \(index)\(place), at attempt \(attempt), \(message)"
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// An element of a stream, in a loop that gets failures.
@usableFromInline
typealias StreamElement<Output> = (index: Int, result: Result<Output, ForkPool.Failure>)

/// One loop over a stream, shared by all copies of its iterator: the release of the last copy means that the loop was
/// left, and ends the stream.
@usableFromInline
final class StreamLoop<Output> {
    private enum Role {
        case new
        /// The stream is this loop's.
        case reader
        /// The stream was another loop's.
        case refused
    }

    private let reader: StreamReader<Output>
    private var role = Role.new
    @usableFromInline let run = StreamRun<Output>()

    init(_ reader: StreamReader<Output>) {
        self.reader = reader
    }

    deinit {
        if case .reader = role { reader.leave() }
    }

    /// Returns the next element when the run has no result any more.
    @usableFromInline
    func next() -> StreamElement<Output>? {
        if let element = run.takeAny() ?? begin() { return element }
        guard case .reader = role, reader.fill(run) else { return nil }
        return run.takeAny()
    }

    @usableFromInline
    nonisolated(nonsending) func next() async -> StreamElement<Output>? {
        // A task that is cancelled takes nothing of the run.
        if !Task.isCancelled, let element = run.takeAny() { return element }
        if let refusal = begin() { return refusal }
        guard case .reader = role, await reader.fill(run) else { return nil }
        return run.takeAny()
    }

    /// Ends the stream because the loop threw.
    @usableFromInline
    func fail() {
        if case .reader = role { reader.fail(undelivered: run.count) }
    }

    /// Takes the stream for this loop; returns the only element of a loop that came later than another.
    private func begin() -> StreamElement<Output>? {
        guard case .new = role else { return nil }
        role = reader.claim() ? .reader : .refused
        return role == .refused ? (0, .failure(.readTwice)) : nil
    }
}

/// A resident pool, whatever its inputs.
protocol ResidentPool: AnyObject, Sendable {
    func close()
    func cancel()
}

/// What a stream does from its first read to its last one, for the one loop that it has.
@usableFromInline
final class StreamReader<Output> {
    /// The parts of a running stream.
    struct Parts {
        let state: StreamState<Output>
        /// The resident pool, if it ends with the stream.
        var owned: (any ResidentPool)?
        /// The task that feeds the inputs of an asynchronous source.
        var feeder: Task<Void, Never>?
    }

    private enum Phase {
        case unread(makeParts: () throws(ForkPool.Failure) -> Parts)
        case reading(Parts)
        case over
    }

    private var phase: Phase
    private let isClaimed = Atomic(false)

    init(_ makeParts: @escaping () throws(ForkPool.Failure) -> Parts) {
        phase = .unread(makeParts: makeParts)
    }

    deinit {
        stop()
    }

    /// Takes the stream for a loop; returns false if another one has it or had it.
    func claim() -> Bool { !isClaimed.exchange(true, ordering: .relaxed) }

    /// Fills a run with what comes next; returns false at the end.
    func fill(_ run: StreamRun<Output>) -> Bool {
        do throws(ForkPool.Failure) {
            guard let parts = try begin() else { return false }
            if parts.state.fill(run) { return true }
            finish(parts)?.close()
            return false
        } catch {
            run.failure = (0, error.at(0))
            return true
        }
    }

    nonisolated(nonsending) func fill(_ run: StreamRun<Output>) async -> Bool {
        do throws(ForkPool.Failure) {
            guard let parts = try begin() else { return false }
            if await parts.state.fill(run) { return true }
            guard let owned = finish(parts) else { return false }
            // Wait for the end of the workers on a thread outside of the cooperative pool.
            _ = await BlockingThread.run { _ in owned.close() }
            return false
        } catch {
            run.failure = (0, error.at(0))
            return true
        }
    }

    /// Ends the stream if it has started.
    func leave() {
        if case .reading = phase { stop() }
    }

    /// Ends the stream and everything in flight, because its loop threw.
    func fail(undelivered: Int) {
        if case .reading(let parts) = phase { parts.state.showLastProgress(undelivered: undelivered) }
        stop()
    }

    /// Ends the stream and everything in flight.
    private func stop() {
        if case .reading(let parts) = phase {
            parts.feeder?.cancel()
            parts.state.stop()
            parts.owned?.cancel()
        }
        phase = .over
    }

    /// Starts the stream with the first read; returns nil after its end.
    private func begin() throws(ForkPool.Failure) -> Parts? {
        switch phase {
        case .unread(let makeParts):
            phase = .over
            let parts = try makeParts()
            phase = .reading(parts)
            return parts
        case .reading(let parts): return parts
        case .over: return nil
        }
    }

    /// Ends a stream that was read to its end; returns the pool to close.
    private func finish(_ parts: Parts) -> (any ResidentPool)? {
        parts.feeder?.cancel()
        phase = .over
        parts.state.showLastProgress(undelivered: 0)
        return parts.owned
    }
}

// SPDX-License-Identifier: Apache-2.0
/// Shared by all copies of an iterator: the release of the last copy means that the loop was left, and ends the stream.
final class StreamLoop<Output> {
    let reader: StreamReader<Output>

    init(_ reader: StreamReader<Output>) {
        self.reader = reader
    }

    deinit {
        reader.leave()
    }
}

/// A resident pool, whatever its inputs.
protocol ResidentPool: AnyObject, Sendable {
    func close()
    func cancel()
}

/// Shared by all iterators of a stream: it starts with the first read, and ends with the last iterator.
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

    init(_ makeParts: @escaping () throws(ForkPool.Failure) -> Parts) {
        phase = .unread(makeParts: makeParts)
    }

    deinit {
        stop()
    }

    func next() -> StreamState<Output>.Element? {
        do throws(ForkPool.Failure) {
            guard let parts = try begin() else { return nil }
            if let element = parts.state.next() { return element }
            finish(parts)?.close()
            return nil
        } catch {
            return (0, .failure(error.at(0)))
        }
    }

    nonisolated(nonsending) func next() async -> StreamState<Output>.Element? {
        do throws(ForkPool.Failure) {
            guard let parts = try begin() else { return nil }
            if let element = await parts.state.next() { return element }
            guard let owned = finish(parts) else { return nil }
            // Wait for the end of the workers on a thread outside of the cooperative pool.
            _ = await BlockingThread.run { _ in owned.close() }
            return nil
        } catch {
            return (0, .failure(error.at(0)))
        }
    }

    /// Ends the stream if it has started.
    func leave() {
        if case .reading = phase { stop() }
    }

    /// Ends the stream and everything in flight.
    func stop() {
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
        return parts.owned
    }
}

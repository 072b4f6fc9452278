/// Shared by all copies of an iterator: when the last copy is released, the loop was left, and the stream ends.
final class StreamLoop<Output> {
    let reader: StreamReader<Output>

    init(_ reader: StreamReader<Output>) {
        self.reader = reader
    }

    deinit {
        reader.leave()
    }
}

/// Shared by all iterators of a stream: it starts with the first read, and ends with the last iterator.
final class StreamReader<Output> {
    /// The parts of a running stream.
    struct Parts {
        let state: StreamState<Output>
        /// The resident pool, if the stream owns it.
        var owned: (any Endable)?
        /// The task that feeds the inputs of an asynchronous source.
        var feeder: Task<Void, Never>?
    }

    private enum Phase {
        case unread(() throws(ForkPool.Failure) -> Parts)
        case reading(Parts)
        case over
    }

    private var phase: Phase

    init(_ start: @escaping () throws(ForkPool.Failure) -> Parts) {
        phase = .unread(start)
    }

    deinit {
        stop()
    }

    func next() -> StreamState<Output>.Element? {
        switch begin() {
        case .failure(let failure): return (0, .failure(failure.at(0)))
        case .success(nil): return nil
        case .success(let parts?):
            if let element = parts.state.next() { return element }
            parts.feeder?.cancel()
            phase = .over
            parts.owned?.close()
            return nil
        }
    }

    nonisolated(nonsending) func next() async -> StreamState<Output>.Element? {
        switch begin() {
        case .failure(let failure): return (0, .failure(failure.at(0)))
        case .success(nil): return nil
        case .success(let parts?):
            if let element = await parts.state.next() { return element }
            parts.feeder?.cancel()
            phase = .over
            guard let owned = parts.owned else { return nil }
            // Wait for the end of the workers on a thread outside of the cooperative pool.
            _ = await BlockingThread.run { _ in owned.close() }
            return nil
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

    private func begin() -> Result<Parts?, ForkPool.Failure> {
        switch phase {
        case .unread(let start):
            do throws(ForkPool.Failure) {
                let parts = try start()
                phase = .reading(parts)
                return .success(parts)
            } catch {
                phase = .over
                return .failure(error)
            }
        case .reading(let parts): return .success(parts)
        case .over: return .success(nil)
        }
    }
}

/// A value that one task passes to another.
@unsafe struct Handed<Value>: @unchecked Sendable {
    let value: Value

    init(_ value: Value) {
        unsafe self.value = value
    }
}

/// A pool that a stream owns, and ends at its end.
protocol Endable: AnyObject, Sendable {
    /// Ends the pool after its work, or at once.
    func close()
    func cancel()
}

/// Stops the program at a window without room.
func checkWindow(_ window: Int?) {
    precondition(window ?? 1 >= 1, "ForkPool: a window must be at least 1 item, not \(window ?? 1)")
}

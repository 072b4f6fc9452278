// SPDX-License-Identifier: Apache-2.0
import ForkPool
import Glibc
import Synchronization
import Testing

/// An asynchronous source that counts from 0 and may fall silent; it records when its reader lets go.
final class Steps: AsyncSequence, Sendable {
    /// The numbers from 0 on.
    static var endless: UnfoldFirstSequence<Int> { sequence(first: 0) { $0 + 1 } }

    private struct State {
        var isSilent = false
        var isOver = false
        var isFree = false
        var isCancelled = false
        var silent: CheckedContinuation<Void, Never>?
    }

    private let silentFrom: Int
    private let isDeaf: Bool
    private let state = Mutex(State())

    /// - Parameters:
    ///   - silentFrom: The number of items after which nothing comes any more, not even an end.
    ///   - isDeaf: Whether it ignores the cancellation of its task.
    init(silentFrom: Int = .max, isDeaf: Bool = false) {
        self.silentFrom = silentFrom
        self.isDeaf = isDeaf
    }

    /// An iterator; its end is the end of the source's use.
    final class AsyncIterator: AsyncIteratorProtocol {
        private let source: Steps
        private var next = 0

        init(_ source: Steps) {
            self.source = source
        }

        deinit {
            source.state.withLock { $0.isOver = true }
        }

        func next() async -> Int? {
            if next >= source.silentFrom {
                await source.sayNothing()
                return nil
            }
            defer { next += 1 }
            return next
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(self) }

    private func sayNothing() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let isFree = state.withLock { state -> Bool in
                    state.isSilent = true
                    if state.isFree || state.isCancelled && !isDeaf { return true }
                    state.silent = continuation
                    return false
                }
                if isFree { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.isCancelled = true }
            if !isDeaf { resume() }
        }
    }

    private func resume() {
        let silent = state.withLock { state in
            defer { state.silent = nil }
            return state.silent
        }
        silent?.resume()
    }

    /// Ends the silence.
    func letGo() {
        state.withLock { $0.isFree = true }
        resume()
    }

    /// Waits until the source is silent.
    func waitForSilence() async {
        while !state.withLock({ $0.isSilent }) { await Task.yield() }
    }

    /// Waits until the source has no reader.
    func waitForEnd() async {
        while !state.withLock({ $0.isOver }) { await Task.yield() }
    }
}

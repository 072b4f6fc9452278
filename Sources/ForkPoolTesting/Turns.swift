// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// Lets one task at a time do something, in the order of their coming.
final class Turns: Sendable {
    private struct State {
        var isTaken = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    func begin() async {
        await withCheckedContinuation { next in
            let isFirst = state.withLock { state in
                if state.isTaken { state.waiting.append(next) }
                defer { state.isTaken = true }
                return !state.isTaken
            }
            if isFirst { next.resume() }
        }
    }

    func end() {
        let next = state.withLock { state in
            state.isTaken = !state.waiting.isEmpty
            return state.isTaken ? state.waiting.removeFirst() : nil
        }
        next?.resume()
    }
}

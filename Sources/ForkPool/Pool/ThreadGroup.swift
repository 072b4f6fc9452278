// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// Runs the same work on several threads of this process at once.
final class ThreadGroup {
    /// How many of the further threads have not ended their work.
    private let pending = Atomic(0)
    private let ended = PrivateSignal()

    private init() {}

    /// Runs `work` on this thread and on further ones, and returns when it has returned on all of them.
    ///
    /// Where the system refuses threads it runs on fewer, so the threads must find what there is to do by themselves.
    static func run(threads: Int, _ work: () -> Void) {
        let group = ThreadGroup()
        withoutActuallyEscaping(work) { work in
            for _ in 1..<max(1, threads) {
                group.pending.add(1, ordering: .relaxed)
                do throws(SystemError) {
                    try ThreadWork.start(work) { group.end() }
                } catch {
                    group.pending.subtract(1, ordering: .relaxed)
                    break
                }
            }
            work()
            group.wait()
        }
    }

    private func end() {
        pending.subtract(1, ordering: .sequentiallyConsistent)
        ended.signal()
    }

    private func wait() {
        func isPending() -> Bool { pending.load(ordering: .sequentiallyConsistent) != 0 }
        while isPending() { ended.wait(while: isPending) }
    }
}

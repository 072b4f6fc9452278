import ForkPool
import Glibc
import Testing

@Suite struct BodyThreadTests {
    @Test("a body that starts threads keeps what it captured on the stack of the thread that called")
    func captured() async {
        await #expect(processExitsWith: .success) {
            Scene.setDeadline()
            // A thread whose stack glibc made, and would give to the next one in a child that has not this thread.
            onThread { BodyThreadScenes.captured() }
        }
    }
}

private enum BodyThreadScenes {
    static func captured() {
        // Non-escaping closures keep what they capture where their function runs.
        var numbers = (11, 22, 33, 44)
        let sums = ForkPool(workers: 1).mapResults(0..<8) { (item: Int) -> Int in
            for _ in 0..<4 { onThread { overwriteStack(64) } }
            numbers.0 += 1
            return numbers.0 + numbers.1 + numbers.2 + numbers.3 + item
        }
        #expect(sums.map { try? $0.get() } == [111, 113, 115, 117, 119, 121, 123, 125])
    }
}

/// Runs `work` on a new thread and waits for its end.
private func onThread(_ work: () -> Void) {
    withoutActuallyEscaping(work) { work in
        var work = work
        unsafe withUnsafeMutablePointer(to: &work) { work in
            var thread = pthread_t()
            let error = unsafe pthread_create(
                &thread, nil,
                { context in
                    unsafe context!.assumingMemoryBound(to: (() -> Void).self).pointee()
                    return nil
                }, work)
            precondition(error == 0, "no thread: errno \(error)")
            pthread_join(thread, nil)
        }
    }
}

/// Fills many frames of the calling thread's stack.
@inline(never)
private func overwriteStack(_ depth: Int) {
    unsafe withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 64) { words in
        unsafe words.initialize(repeating: 0x5555_5555_5555_5555)
        if depth > 0 { overwriteStack(depth - 1) }
        unsafe words.update(repeating: 0xaaaa_aaaa_aaaa_aaaa)
    }
}

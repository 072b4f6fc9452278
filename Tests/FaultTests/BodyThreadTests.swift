// SPDX-License-Identifier: Apache-2.0
import ForkPool
import Glibc
import Testing

@Suite struct BodyThreadTests {
    @Test("a body that starts threads keeps its captures on the calling thread's stack")
    func captured() async {
        await #expect(processExitsWith: .success) {
            Scene.setDeadline()
            // glibc made this thread's stack, and in a child without the thread would give it to the next one.
            onThread { BodyThreadScenes.captured() }
        }
    }

    @Test(
        "where the id's offset in glibc's descriptor is not sure, a body that starts threads keeps its captures, too",
        .enabled(if: Fault.isAvailable, "a release build has no way to make the self-check fail"))
    func capturedWithoutTheDescriptor() async {
        await #expect(processExitsWith: .success) {
            Scene.setDeadline()
            BodyThreadScenes.makeDescriptorUnsure()
            onThread { BodyThreadScenes.captured() }
            #expect(Fault.failures > 0)
        }
    }

    @Test(
        "a worker that the calling thread forks by itself has the process's name, reports a crash, and ends with its parent",
        .enabled(if: Fault.isAvailable, "a release build has no way to make the self-check fail"))
    func workerOfTheCaller() async {
        await #expect(processExitsWith: .success) {
            Scene.setDeadline()
            BodyThreadScenes.makeDescriptorUnsure()
            onThread { BodyThreadScenes.nameAndCrash() }
            BodyThreadScenes.endOfParent()
            #expect(Fault.failures > 0)
        }
    }
}

private enum BodyThreadScenes {
    static func makeDescriptorUnsure() {
        Fault(call: "tid_offset", role: .parent, first: 1, times: Int(UInt32.max), error: ENOTSUP).begin()
    }

    static func nameAndCrash() {
        KernelName.process.set("the process")
        KernelName.thread.set("the thread")
        let pool = ForkPool(workers: 1, options: .init(chunk: .fixed(1)))
        let results = pool.mapResults(0..<2) { (item: Int) throws -> String in
            if item == 1 { _ = try Deed.overflowStack.perform() }
            return KernelName.thread.get()
        }
        #expect(KernelName.thread.get() == "the thread\n")
        #expect(results[0].value == "the process\n")
        #expect(results[1].failure?.signal == SIGSEGV)
        #expect(results[1].failure?.message.contains("stack overflow") == true)
    }

    static func endOfParent() {
        let pids = PidPipe()
        let parent = Process.fork()
        if parent == 0 {
            Scene.setDeadline()
            try? ForkPool(workers: 2, options: .init(chunk: .fixed(1))).forEach(0..<2) { _ in
                pids.send()
                Process.sleepForEver()
            }
            _exit(0)
        }
        pids.closeWriting()
        #expect(Set((0..<2).map { _ in pids.receive() }).count == 2)
        kill(parent, SIGKILL)
        #expect(Process.wait(for: parent) == SIGKILL)
        #expect(pids.everyWriterIsGone())
    }

    static func captured() {
        // Non-escaping closures keep their captures on the stack of the calling function.
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

/// A name that the kernel keeps: the process's, which is its main thread's, or the calling thread's.
private enum KernelName: String {
    case process = "/proc/self/comm"
    case thread = "/proc/thread-self/comm"

    func set(_ name: String) {
        let file = unsafe open(rawValue, O_WRONLY)
        let written = unsafe write(file, name, name.utf8.count)
        precondition(written == name.utf8.count, "no name: errno \(errno)")
        close(file)
    }

    /// The name, and a line feed.
    func get() -> String {
        let file = unsafe open(rawValue, O_RDONLY)
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 32) { bytes, count in
            unsafe count = max(0, read(file, bytes.baseAddress!, 32))
        }
        close(file)
        return String(decoding: bytes, as: UTF8.self)
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

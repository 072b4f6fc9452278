// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
package import ForkPool
internal import Glibc

/// A feature of the kernel that the library uses, and whether it works here.
package struct KernelFeature: Sendable {
    /// The name of the call or file.
    package let name: String
    /// What the library uses it for.
    package let purpose: String
    /// Whether the library works without it.
    package let isOptional: Bool
    /// Why the system refuses it, or nil.
    package let refusal: SystemError?

    /// Tries every feature.
    package static func probe() -> [KernelFeature] {
        [
            feature("pidfd_open", "to wait for workers and to kill no other process") { ownDescriptor() },
            feature("memfd_create", "memory for workers that are started by exec") { closing(cforkpool_memfd(4096)) },
            feature("eventfd", "to notify the supervisor of a resident pool") { eventCounter() },
            feature("futex", "to wake workers") { futex() },
            feature("mmap", "memory that workers share") { unsafe sharedMemory { _ in 0 } },
            feature("MADV_POPULATE_WRITE", "large results without a fault for each page", isOptional: true) {
                unsafe sharedMemory { unsafe cforkpool_madvise_populate($0, 4096) }
            },
            feature("/proc/self/wchan", "to prove that a worker is in a deadlock", isOptional: true) { wchan() },
        ]
    }

    private static func feature(
        _ name: String, _ purpose: String, isOptional: Bool = false, _ result: () -> Int32
    ) -> KernelFeature {
        let code = result()
        let refusal = code < 0 ? SystemError(call: name, code: -code) : nil
        return KernelFeature(name: name, purpose: purpose, isOptional: isOptional, refusal: refusal)
    }

    private static func closing(_ descriptor: Int32) -> Int32 {
        if descriptor >= 0 { close(descriptor) }
        return min(descriptor, 0)
    }

    private static func eventCounter() -> Int32 {
        var error: Int32 = 0
        if let event = unsafe cforkpool_event_make(&error) { unsafe cforkpool_event_free(event) }
        return error
    }

    private static func ownDescriptor() -> Int32 {
        let descriptor = cforkpool_pidfd_open(getpid())
        guard descriptor >= 0 else { return descriptor }
        defer { close(descriptor) }
        return cforkpool_pidfd_send_signal(descriptor, 0)
    }

    private static func futex() -> Int32 {
        var word: UInt32 = 0
        // The word differs from the expected value, so the call returns at once.
        let result = unsafe cforkpool_futex_wait(&word, 1, 0)
        return result == -EAGAIN ? 0 : result
    }

    private static func sharedMemory(_ use: (UnsafeMutableRawPointer) -> Int32) -> Int32 {
        var error: Int32 = 0
        guard let memory = unsafe cforkpool_mmap_shared(4096, &error) else { return error }
        defer { unsafe munmap(memory, 4096) }
        return unsafe use(memory)
    }

    private static func wchan() -> Int32 {
        do {
            _ = try ProcFile.read("/proc/self/wchan")
            _ = try ProcFile.read("/proc/self/syscall")
            return 0
        } catch {
            return -error.code
        }
    }
}

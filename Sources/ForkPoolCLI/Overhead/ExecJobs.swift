// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool
import Glibc

/// The no-op for exec workers, which find a job by its name.
struct NoOpJob: ForkPool.Job {
    /// Returns the item; a negative item kills the worker by SIGKILL.
    func run(_ item: Int) -> Int { noOpOrDie(item) }
}

/// Makes big results in exec workers.
struct BytesJob: ForkPool.Job {
    let count: Int

    /// Returns `count` bytes, all equal to the lowest byte of the item.
    func run(_ item: Int) -> [UInt8] { bytes(item, count: count) }
}

/// Sleeps in exec workers.
struct SleepJob: ForkPool.Job {
    /// Sleeps for a tenth of a second, and returns the item.
    func run(_ item: Int) -> Int { sleepTenth(item) }
}

/// Sleeps for a tenth of a second, and returns the item.
func sleepTenth(_ item: Int) -> Int {
    usleep(100_000)
    return item
}

/// Returns the item; a negative item kills the worker by SIGKILL.
@inline(never)
func noOpOrDie(_ item: Int) -> Int {
    if item < 0 { kill(getpid(), SIGKILL) }
    return item
}

/// Makes `count` bytes, all equal to the lowest byte of the item.
func bytes(_ item: Int, count: Int) -> [UInt8] {
    [UInt8](repeating: UInt8(truncatingIfNeeded: item), count: count)
}

/// Writes the big result of an item into memory that parent and workers share.
func fill(_ all: SharedArray<UInt8>, _ item: Int, size: Int) {
    all.withMutableSpan { span in
        unsafe span.withUnsafeMutableBufferPointer { bytes in
            let slot = unsafe bytes[item * size..<(item + 1) * size]
            unsafe slot.update(repeating: UInt8(truncatingIfNeeded: item))
        }
    }
}
#endif

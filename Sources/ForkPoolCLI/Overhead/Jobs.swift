import ForkPool
import Glibc

/// The no-op for workers that are started by exec; they find it by its name.
struct SameJob: ForkPool.Job {
    /// Returns the item; a negative one ends its worker by SIGKILL.
    func run(_ item: Int) -> Int { sameOrDie(item) }
}

/// Makes big results, for workers that are started by exec.
struct BytesJob: ForkPool.Job {
    let count: Int

    /// Returns so many bytes, all of which are the item's lowest.
    func run(_ item: Int) -> [UInt8] { bytes(item, count: count) }
}

/// Sleeps, for workers that are started by exec.
struct NapJob: ForkPool.Job {
    /// Returns the item a tenth of a second later.
    func run(_ item: Int) -> Int { nap(item) }
}

/// Returns the item a tenth of a second later.
func nap(_ item: Int) -> Int {
    usleep(100_000)
    return item
}

/// The body of a no-op that a negative item turns into its worker's death.
@inline(never)
func sameOrDie(_ item: Int) -> Int {
    if item < 0 { kill(getpid(), SIGKILL) }
    return item
}

/// So many bytes, all of which are the item's lowest.
func bytes(_ item: Int, count: Int) -> [UInt8] {
    [UInt8](repeating: UInt8(truncatingIfNeeded: item), count: count)
}

/// Writes an item's big result where parent and workers see it.
func fill(_ all: SharedArray<UInt8>, _ item: Int, size: Int) {
    all.withMutableSpan { span in
        unsafe span.withUnsafeMutableBufferPointer { bytes in
            let slot = unsafe bytes[item * size..<(item + 1) * size]
            unsafe slot.update(repeating: UInt8(truncatingIfNeeded: item))
        }
    }
}

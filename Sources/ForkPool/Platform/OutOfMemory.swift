// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// Tells whether a worker that ended by SIGKILL was a victim of the kernel's OOM killer.
///
/// It compares the kernel's count of such kills in this process's control group with the kills that are explained already.
enum OutOfMemory {
    /// The number of kills that are explained: each by one worker, or because they came before the first pool.
    private static let explained = Atomic(kills ?? 0)

    /// The control groups of this process when it last looked, and the files with their counts.
    private static let place = Mutex<(membership: [UInt8], files: [String])>(([], []))

    /// The kernel's count.
    ///
    /// The caller of a worker that was killed waits for it, so what stays the same is not read anew.
    private static var kills: Int? {
        let membership = "/proc/self/cgroup"
        let files = unsafe ProcFile.withBytes(of: membership) { bytes in
            // A fork may have the lock from a thread that it does not have.
            place.withLockIfAvailable { place in
                if unsafe !place.membership.elementsEqual(bytes) {
                    unsafe place = (Array(bytes), Cgroup(membership: membership).outOfMemoryFiles)
                }
                return place.files
            }
        }
        for file in (files ?? nil) ?? Cgroup(membership: membership).outOfMemoryFiles {
            if let kills = unsafe ProcFile.withBytes(of: file, { unsafe Cgroup.kills($0) }) ?? nil { return kills }
        }
        return nil
    }

    /// Starts to count; later calls do nothing.
    static func beginCounting() {
        _ = explained.load(ordering: .relaxed)
    }

    /// Takes one kill that is not explained yet as that of a worker that ended by SIGKILL; returns whether there is one.
    static func hasKilled() -> Bool {
        guard let kills else { return false }
        var seen = explained.load(ordering: .relaxed)
        while seen < kills {
            let (isStored, original) = explained.compareExchange(
                expected: seen, desired: seen + 1, ordering: .relaxed)
            if isStored { return true }
            seen = original
        }
        return false
    }
}

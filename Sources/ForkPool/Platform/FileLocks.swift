// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Glibc
internal import Synchronization

/// The files that this process has locked.
///
/// A lock of the kernel keeps other processes away (`fcntl`). It is the process's own: no fork has it, and it is gone as soon as
/// the process is. But it keeps no thread away, and ends when the process closes the file anywhere. So this table says which
/// files are in use, is asked before one is opened, and closes it when its last user is gone.
final class FileLocks: Sendable {
    /// A file that is locked.
    struct Lock {
        let file: OwnedFile.Status.Identity
        fileprivate let table: FileLocks
    }

    enum Refusal: Error {
        case system(SystemError)
        /// Another process has the file, which the kernel names or not.
        case other(process: Int32?)
        /// This process has it.
        case own
    }

    /// How this process uses a file: several threads may read it at once.
    private struct Use {
        let writes: Bool
        var users = 0
        /// The one that is used, and any that was opened while it was: all are closed at once.
        var files: [OwnedFile] = []
    }

    private let generation = cforkpool_generation()
    private let uses = Locked<[OwnedFile.Status.Identity: Use]>([:])
    private let successor = AtomicLazyReference<FileLocks>()

    private static let first = FileLocks()

    /// The table of this process: a fork has its parent's, and the lock as some thread may have held it, and uses neither.
    private static var own: FileLocks {
        let generation = cforkpool_generation()
        var table = first
        while table.generation != generation { table = table.successor.storeIfNil(FileLocks()) }
        return table
    }

    /// Opens a regular file and locks it, for this process alone if it writes.
    static func open(_ path: String, writes: Bool) throws(Refusal) -> OwnedFile {
        // Something may delete the file, or replace it, until it is locked: then begin anew.
        for _ in 0..<100 {
            let file = try own.register(path, writes: writes)
            var process: Int32 = 0
            do throws(SystemError) {
                _ = try SystemError.check("fcntl") { unsafe cforkpool_fcntl_lock(file.descriptor, writes, &process) }
                if try file.isAtPath() { return file }
            } catch  where error.code == EAGAIN {
                throw .other(process: process > 0 ? process : nil)
            } catch {
                throw .system(error)
            }
        }
        throw .other(process: nil)
    }

    /// Enters a user of a file, which is opened if it has none.
    private func register(_ path: String, writes: Bool) throws(Refusal) -> OwnedFile {
        let result = uses.withLock { uses -> Result<OwnedFile, Refusal> in
            do throws(SystemError) {
                let identity: OwnedFile.Status.Identity
                // Before it is opened: to close it again would end the lock.
                if let status = try OwnedFile.status(of: path), uses[status.identity] != nil {
                    identity = status.identity
                } else {
                    let file = try OwnedFile(path, writes: writes)
                    identity = try file.status().identity
                    uses[identity, default: Use(writes: writes)].files.append(file)
                }
                guard var use = uses[identity], use.users == 0 || !writes && !use.writes else { return .failure(.own) }
                use.users += 1
                uses[identity] = use
                return .success(OwnedFile(path, use.files[0], Lock(file: identity, table: self)))
            } catch {
                return .failure(.system(error))
            }
        }
        return try result.get()
    }

    /// Takes a user of a file from the table, and closes the file behind the last one: before another thread opens it, whose
    /// lock would end.
    static func release(_ lock: Lock) {
        lock.table.uses.withLock { uses in
            uses[lock.file]?.users -= 1
            if uses[lock.file]?.users == 0 { uses[lock.file] = nil }
        }
    }
}

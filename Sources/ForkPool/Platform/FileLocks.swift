// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Glibc
internal import Synchronization

/// The files that this process has locked.
///
/// A lock of the kernel keeps other processes away (`fcntl`). It is the process's own: no fork has it, and it is gone as soon as
/// the process is. But it keeps no thread away, and ends when the process closes the file anywhere. So this table says which
/// files are in use, and is asked before one is opened.
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

    private let generation = cforkpool_generation()
    /// For each file how many readers have it; 0 if a writer has it.
    private let users = Locked<[OwnedFile.Status.Identity: Int]>([:])
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

    /// Opens a file that no thread has in the table, and enters it.
    private func register(_ path: String, writes: Bool) throws(Refusal) -> OwnedFile {
        let result = users.withLock { users -> Result<OwnedFile, Refusal> in
            func isFree(_ status: OwnedFile.Status) -> Bool { users[status.identity].map { !writes && $0 > 0 } ?? true }
            do throws(SystemError) {
                // Before it is opened: to close it again would end the lock.
                if let status = try OwnedFile.status(of: path), !isFree(status) { return .failure(.own) }
                let file = try OwnedFile(path, writes: writes)
                let status = try file.status()
                guard isFree(status) else { return .failure(.own) }
                users[status.identity] = writes ? 0 : users[status.identity, default: 0] + 1
                file.lock = Lock(file: status.identity, table: self)
                return .success(file)
            } catch {
                return .failure(.system(error))
            }
        }
        return try result.get()
    }

    /// Takes a file that was closed from the table.
    static func release(_ lock: Lock) {
        lock.table.users.withLock { users in
            let readers = users[lock.file] ?? 0
            users[lock.file] = readers > 1 ? readers - 1 : nil
        }
    }
}

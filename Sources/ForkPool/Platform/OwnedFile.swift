// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Glibc

/// An open file that no forked worker keeps, and that is closed at the end.
@safe final class OwnedFile: @unchecked Sendable {
    private let file: UnsafeMutablePointer<cforkpool_event>
    private let writes: Bool
    private var descriptor: Int32 { unsafe file.pointee.fd }

    /// Opens a file to read it, or to read and write it; then it is made if it is not there (`open`).
    init(_ path: String, writes: Bool) throws(SystemError) {
        var error: Int32 = 0
        guard let file = unsafe cforkpool_open_file(path, writes, &error) else {
            throw SystemError(call: "open", code: -error)
        }
        unsafe self.file = file
        self.writes = writes
    }

    deinit {
        unsafe cforkpool_event_free(file)
    }

    /// Locks the file, alone if it writes (`flock`); returns false if something else has it for a second.
    ///
    /// A process that was killed may leave a child that it had just forked: that one has the file until its first turn.
    func lock() throws(SystemError) -> Bool {
        for _ in 0..<100 {
            do {
                _ = try SystemError.check("flock") { cforkpool_flock(descriptor, writes) }
                return true
            } catch  where error.code == EWOULDBLOCK {
                usleep(10_000)
            }
        }
        return false
    }

    /// Reads the size of the file, which must be a regular one, and whether it still has a name (`fstat`).
    func status() throws(SystemError) -> (size: Int, hasName: Bool) {
        var hasName = false
        let size = try SystemError.check("fstat") { unsafe cforkpool_file_size(descriptor, &hasName) }
        return (Int(size), hasName)
    }

    /// Fills the buffer from an offset; returns the number of bytes, less at the end of the file alone (`pread`).
    @unsafe func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(SystemError) -> Int {
        var count = 0
        while count < buffer.count {
            let length = try SystemError.check("pread") {
                unsafe cforkpool_pread(
                    descriptor, buffer.baseAddress! + count, buffer.count - count, Int64(offset + count))
            }
            if length == 0 { break }
            count += Int(length)
        }
        return count
    }

    /// Reads so many bytes at an offset, less at the end of the file alone.
    func bytes(at offset: Int, _ length: Int) throws(SystemError) -> [UInt8] {
        var failure: SystemError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
            do throws(SystemError) {
                unsafe count = try read(
                    into: UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: length), at: offset)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    func write(_ bytes: [UInt8], at offset: Int) throws(SystemError) {
        unsafe try bytes.withUnsafeBufferPointer { (bytes) throws(SystemError) in
            unsafe try write(UnsafeRawBufferPointer(bytes), at: offset)
        }
    }

    /// Writes all bytes at an offset (`pwrite`).
    @unsafe func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(SystemError) {
        var count = 0
        while count < bytes.count {
            let length = try SystemError.check("pwrite") {
                unsafe cforkpool_pwrite(
                    descriptor, bytes.baseAddress! + count, bytes.count - count, Int64(offset + count))
            }
            // A file that takes nothing and gives no reason is full.
            guard length > 0 else { throw SystemError(call: "pwrite", code: ENOSPC) }
            count += Int(length)
        }
    }

    /// Cuts the file (`ftruncate`).
    func truncate(to size: Int) throws(SystemError) {
        _ = try SystemError.check("ftruncate") { cforkpool_ftruncate(descriptor, Int64(size)) }
    }

    /// Waits until the bytes are on the disk (`fdatasync`).
    func synchronize() throws(SystemError) {
        _ = try SystemError.check("fdatasync") { cforkpool_fdatasync(descriptor) }
    }

    /// Waits until the names in the folder of a file are on the disk (`fsync`).
    static func synchronizeFolder(of path: String) throws(SystemError) {
        let folder = path.lastIndex(of: "/").map { path[...$0] } ?? "."
        _ = try SystemError.check("fsync") { unsafe cforkpool_fsync_folder(String(folder)) }
    }
}

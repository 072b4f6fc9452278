// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Glibc

/// An open file that no forked worker keeps, and that is closed at the end.
@safe final class OwnedFile: @unchecked Sendable {
    private let file: UnsafeMutablePointer<cforkpool_event>
    let path: String
    let writes: Bool
    var descriptor: Int32 { unsafe file.pointee.fd }
    /// What this process has locked, if it has; then the table of locks closes the file.
    private let lock: FileLocks.Lock?
    /// The most names that the file was seen to have.
    private var mostLinks: UInt64 = 0

    /// Opens a file to read it, or to read and write it; then it is made if it is not there (`open`).
    init(_ path: String, writes: Bool) throws(SystemError) {
        var error: Int32 = 0
        guard let file = unsafe cforkpool_open_file(path, writes, &error) else {
            throw SystemError(call: "open", code: -error)
        }
        unsafe self.file = file
        self.path = path
        self.writes = writes
        lock = nil
    }

    /// Uses a file that the table of locks has opened.
    init(_ path: String, _ open: OwnedFile, _ lock: FileLocks.Lock) {
        unsafe file = open.file
        self.path = path
        writes = open.writes
        self.lock = lock
    }

    deinit {
        if let lock { FileLocks.release(lock) } else { unsafe cforkpool_event_free(file) }
    }

    /// What a regular file is.
    struct Status {
        /// Which file of all it is.
        struct Identity: Hashable {
            let device: UInt64
            let inode: UInt64
        }

        let size: Int
        let identity: Identity
        fileprivate let links: UInt64

        fileprivate init(_ file: cforkpool_file) {
            size = Int(file.size)
            identity = Identity(device: file.device, inode: file.inode)
            links = file.links
        }
    }

    /// Describes the file, which must be a regular one (`fstat`).
    func status() throws(SystemError) -> Status {
        var status = cforkpool_file()
        _ = try SystemError.check("fstat") { unsafe cforkpool_fstat(descriptor, &status) }
        return Status(status)
    }

    /// Describes the file at a path; nil if there is none (`stat`).
    static func status(of path: String) throws(SystemError) -> Status? {
        var status = cforkpool_file()
        do throws(SystemError) {
            _ = try SystemError.check("stat") { unsafe cforkpool_stat(path, &status) }
            return Status(status)
        } catch {
            if error.code == ENOENT || error.code == ENOTDIR { return nil }
            throw error
        }
    }

    /// Whether the path leads to this file, from which moment on `isDeleted` counts its names.
    func isAtPath() throws(SystemError) -> Bool {
        let own = try status()
        mostLinks = own.links
        return try Self.status(of: path)?.identity == own.identity
    }

    /// Whether something deleted the file, or put another one in its place.
    ///
    /// Then it has fewer names than it had, and its path is none of them. A file that was renamed has as many.
    func isDeleted(_ status: Status) throws(SystemError) -> Bool {
        guard status.links > 0 else { return true }
        guard status.links < mostLinks else {
            mostLinks = status.links
            return false
        }
        let other = try Self.status(of: path)?.identity
        if other == status.identity { mostLinks = status.links }
        return other != status.identity
    }

    /// Finds the next bytes, from an offset on, that lie in no hole; `Int.max` if there are none (`lseek`).
    func nextData(from offset: Int) -> Int { Int(cforkpool_lseek_data(descriptor, Int64(offset))) }

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

    /// The folder that has the file, and not a link to it.
    var folder: String {
        let resolved = unsafe realpath(path, nil)
        defer { unsafe free(resolved) }
        let path = unsafe resolved.map { unsafe String(cString: $0) } ?? path
        return path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    }

    /// Waits until the names in the folder of the file are on the disk (`fsync`).
    func synchronizeFolder() throws(SystemError) {
        _ = try SystemError.check("fsync") { unsafe cforkpool_fsync_folder(folder) }
    }
}

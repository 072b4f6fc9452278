// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Reads the files that the kernel writes at the moment of the read: those of /proc and of control groups.
package enum ProcFile {
    /// Opens a file below a folder, or one with a full path (`openat`).
    static func open(_ path: String, below folder: Int32 = AT_FDCWD, flags: Int32 = 0) throws(SystemError) -> Int32 {
        try SystemError.check("openat") {
            let file = unsafe openat(folder, path, O_RDONLY | O_CLOEXEC | flags)
            return file < 0 ? -errno : file
        }
    }

    /// Reads a file, at most 64 KiB, in one call: the text shows a single moment (`read`).
    package static func read(_ path: String, below folder: Int32 = AT_FDCWD) throws(SystemError) -> ArraySlice<UInt8> {
        let file = try open(path, below: folder)
        defer { close(file) }
        var bytes: [UInt8] = []
        _ = try SystemError.check("read") {
            var length = 0
            unsafe bytes = [UInt8](unsafeUninitializedCapacity: 64 << 10) { buffer, count in
                unsafe length = Glibc.read(file, buffer.baseAddress!, buffer.count)
                count = max(length, 0)
            }
            return length < 0 ? -errno : Int32(length)
        }
        return bytes[...]
    }

    /// Reads a file of less than 4 KiB in one call, without an allocation; nil if the system refuses, or the file is larger.
    static func withBytes<T>(of path: String, _ body: (UnsafeRawBufferPointer) -> T) -> T? {
        guard let file = try? open(path) else { return nil }
        return unsafe withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
            let length = unsafe Glibc.read(file, buffer.baseAddress!, buffer.count)
            close(file)
            guard length >= 0, length < buffer.count else { return nil }
            return unsafe body(UnsafeRawBufferPointer(rebasing: buffer[..<length]))
        }
    }

    /// Reads a file as text; nil if the system refuses.
    package static func text(_ path: String) -> String? {
        (try? read(path)).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Reads the target of a symbolic link (`readlink`); nil if the system refuses.
    static func link(_ path: String) -> String? {
        unsafe withUnsafeTemporaryAllocation(byteCount: Int(PATH_MAX), alignment: 1) { buffer in
            let length = unsafe readlink(path, buffer.baseAddress!, buffer.count)
            return length < 0 ? nil : unsafe String(decoding: buffer[..<length], as: UTF8.self)
        }
    }

    /// Finds the text after a name, a colon and one more character; the line must be complete.
    static func value(of name: String, in text: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        var rest = text
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let line = rest[..<end]
            if line.starts(with: name.utf8) {
                let value = line.dropFirst(name.utf8.count)
                if value.first == UInt8(ascii: ":") { return value.dropFirst(2) }
            }
            rest = rest[end...].dropFirst()
        }
        return nil
    }

    static func number(_ name: String, in text: ArraySlice<UInt8>, radix: Int = 10) -> UInt64? {
        value(of: name, in: text).flatMap { number($0, radix: radix) }
    }

    /// Reads a text that is one number without a sign, in base 10 or 16.
    static func number(_ text: ArraySlice<UInt8>, radix: Int) -> UInt64? {
        // The initializer takes a sign too.
        guard let first = text.first, first != UInt8(ascii: "+"), first != UInt8(ascii: "-") else { return nil }
        return UInt64(String(decoding: text, as: UTF8.self), radix: radix)
    }

    /// Reads a text that is "0x" and a number.
    static func hexadecimal(_ text: ArraySlice<UInt8>) -> UInt64? {
        text.starts(with: "0x".utf8) ? number(text.dropFirst(2), radix: 16) : nil
    }

    static func contains(_ word: String, in text: ArraySlice<UInt8>) -> Bool {
        text.indices.contains { text[$0...].starts(with: word.utf8) }
    }
}

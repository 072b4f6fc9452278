// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Bytes in memory of this process alone, of which the system may refuse more: an array would end the process then.
@safe final class GrowingBytes: @unchecked Sendable {
    private var memory = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private(set) var count = 0

    deinit {
        unsafe free(memory.baseAddress)
    }

    /// The bytes, which move when they grow.
    var bytes: UnsafeMutableRawBufferPointer { unsafe UnsafeMutableRawBufferPointer(rebasing: memory[..<count]) }

    /// Changes the number of bytes; new ones have any value.
    ///
    /// - Throws: ENOMEM.
    func resize(to size: Int) throws(SystemError) {
        if unsafe size > memory.count {
            // The pages behind the last byte that is used take no memory.
            let (half, _) = unsafe memory.count.addingReportingOverflow(memory.count / 2)
            let capacity = max(size, half, 4096)
            guard let larger = unsafe realloc(memory.baseAddress, capacity) else {
                throw SystemError(call: "realloc", code: ENOMEM)
            }
            unsafe memory = UnsafeMutableRawBufferPointer(start: larger, count: capacity)
        }
        count = size
    }

    /// Appends some bytes; returns where they begin.
    func append(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Int {
        let start = count
        try resize(to: start + bytes.count)
        unsafe self.bytes[start...].copyBytes(from: bytes)
        return start
    }
}

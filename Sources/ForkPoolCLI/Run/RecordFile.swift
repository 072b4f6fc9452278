// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool
import ForkPoolLaunch
import Glibc

/// Records as the standard input of a job: a file in memory, so that the runner waits for no job that reads slowly.
enum RecordFile {
    /// Makes the file; returns a descriptor at its beginning, which the caller closes.
    ///
    /// - Throws: `SystemError`.
    static func descriptor(_ records: [UInt8]) throws(SystemError) -> Int32 {
        let file = try CaptureFile()
        var done = 0
        while done < records.count {
            let count = unsafe records.withUnsafeBytes { bytes in
                unsafe write(file.descriptor, bytes.baseAddress! + done, bytes.count - done)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw SystemError(call: "write", code: errno) }
            done += count
        }
        lseek(file.descriptor, 0, SEEK_SET)
        let copy = fcntl(file.descriptor, F_DUPFD_CLOEXEC, 3)
        guard copy >= 0 else { throw SystemError(call: "fcntl", code: errno) }
        return copy
    }
}
#endif

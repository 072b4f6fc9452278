// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

// The job of exec workers, which they read from the pool's memory.

extension Pool {
    /// Keeps room for the job before the inputs, where workers find it; returns whether there was room.
    func reserveRoom(for job: [UInt8]) -> Bool {
        locked { state in
            guard let part = state.inputHeap.allocate(job.count) else { return false }
            state.job = (job, part.offset)
            state.inputHeap = SharedHeap(part.end..<layout.inputs.upperBound)
            return true
        }
    }

    /// Writes what a worker that is started now reads first: whatever became of what was there.
    func writeJob() {
        guard let job = locked({ $0.job }) else { return }
        layout.writeShape()
        unsafe (layout.base + job.offset).copyMemory(from: job.bytes, byteCount: job.bytes.count)
        unsafe layout.jobOffset.pointee.store(job.offset, ordering: .relaxed)
        unsafe layout.jobLength.pointee.store(job.bytes.count, ordering: .relaxed)
        unsafe layout.jobChecksum.pointee.store(ExecJob.checksum(job.bytes), ordering: .relaxed)
    }
}

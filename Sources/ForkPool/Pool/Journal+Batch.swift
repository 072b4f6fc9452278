// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

extension Batch {
    /// Opens the journal that the caller wants, if it wants one, and puts the results that it has in their slots, before the
    /// batch is submitted.
    ///
    /// - Throws: `journalFailed`.
    func openJournal() throws(ForkPool.Failure) {
        guard let request = shape.rules.journal, let kind = shape.kind else { return }
        let (slots, stride, states) = unsafe (results.slots, shape.slotStride, results.states)
        let (bytes, start) = (GrowingBytes(), results.restoredStart)
        let journal = unsafe try Journal(request, of: kind, stride: stride) { items, result throws(SystemError) in
            let slot = unsafe slots + items.lowerBound * stride
            if kind.isCoded {
                let extent = Extent(offset: start + (unsafe try bytes.append(result)), length: result.count)
                unsafe slot.storeBytes(of: extent, as: Extent.self)
            } else if let base = result.baseAddress {
                unsafe slot.copyMemory(from: base, byteCount: result.count)
            }
            for item in items { unsafe states[item].store(ItemState.value, ordering: .relaxed) }
        }
        journal.restored = bytes
        unsafe results.restored = UnsafeRawBufferPointer(bytes.bytes)
        self.journal = journal
    }

    /// Appends what is left to the journal, if there is one, and closes it.
    func endJournal() {
        journal?.end(results)
    }

    /// Opens the journal as the method for sync code, and blocks no thread of the caller.
    nonisolated(nonsending) func openJournal() async throws(ForkPool.Failure) {
        guard shape.rules.journal != nil else { return }
        let opened = await BlockingThread.run { _ in
            Result { () throws(ForkPool.Failure) in try self.openJournal() }
        }
        switch opened {
        case .success(let result): try result.get()
        case .failure(let refusal): throw ForkPool.Failure(refused: refusal, index: nil)
        }
    }

    nonisolated(nonsending) func endJournal() async {
        guard journal != nil else { return }
        // If the system refuses a thread, wait for the disk here.
        if case .failure = await BlockingThread.run({ _ in self.endJournal() }) { journal?.end(results) }
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

extension Journal {
    /// Opens the journal that a batch is to have; nil if it is to have none.
    static func open(for shape: Batch.Shape) throws(ForkPool.Failure) -> Journal? {
        guard let request = shape.rules.journal, let kind = shape.kind else { return nil }
        return try Journal(request, of: kind, stride: shape.slotStride)
    }
}

extension Batch {
    /// Puts the results that a journal has in their slots, before the batch is submitted.
    func restore(from journal: Journal) {
        self.journal = journal
        unsafe results.restored = journal.restored.bytes
        unsafe journal.restored.place(
            in: results.slots, stride: shape.slotStride, isCoded: journal.isCoded, regionEnd: results.restoredStart)
        for (item, isThere) in journal.restored.isThere.enumerated() where isThere {
            unsafe results.states[item].store(ItemState.value, ordering: .relaxed)
        }
    }

    /// Opens the journal that the caller wants, if it wants one, and begins to append to it.
    func openJournal() throws(ForkPool.Failure) {
        guard let journal = try Journal.open(for: shape) else { return }
        restore(from: journal)
        journal.begin(results)
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

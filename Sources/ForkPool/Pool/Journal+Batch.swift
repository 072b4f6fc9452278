// SPDX-License-Identifier: Apache-2.0
extension Journal {
    /// Opens the journal that a batch is to have; nil if it is to have none.
    static func open(for shape: Batch.Shape) throws(ForkPool.Failure) -> Journal? {
        guard let request = shape.rules.journal, let kind = shape.kind else { return nil }
        return try Journal(request, of: kind, stride: shape.slotStride)
    }
}

// SPDX-License-Identifier: Apache-2.0
import Synchronization
import Testing

@testable import ForkPool

@Suite("Claims that a body makes by itself")
struct QuickClaimsTests {
    /// Opens a batch of ten items, runs `body` with claims of four of them, and returns what it returns.
    private func withClaims<T>(_ body: (Pool, QuickClaims) -> T) throws -> T {
        let pool = try Pool(workers: 2, options: .init(), for: .forked)
        let slot = pool.layout.batchSlot(3)
        unsafe slot.lowestFailure.pointee.store(.max, ordering: .relaxed)
        pool.layout.open.insert(3)
        var claims = unsafe Claims(cursor: slot.cursor, count: 10)
        return unsafe try withUnsafeMutablePointer(to: &claims) { claims in
            let quick = unsafe QuickClaims(
                claims, size: 4, pool.layout.record(1), slot, number: 3, open: pool.layout.open)
            return body(pool, try #require(quick))
        }
    }

    @Test("are published in the worker's record, and end with the items")
    func published() throws {
        let seen = try withClaims { pool, quick in
            (0..<4).map { _ in
                let range = quick.next()
                let record = pool.layout.record(1)
                return unsafe [
                    range?.lowerBound ?? -1, range?.upperBound ?? -1,
                    record.position.pointee.load(ordering: .relaxed), record.end.pointee.load(ordering: .relaxed),
                ]
            }
        }
        #expect(seen == [[0, 4, 0, 4], [4, 8, 4, 8], [8, 10, 8, 10], [-1, -1, 8, 10]])
    }

    /// What the worker's loop is to look at.
    enum Reason: CaseIterable {
        case failure, cancel, recall, otherBatch, closed, damagedCursor
    }

    @Test("end, without another one, where the worker's loop has something to look at", arguments: Reason.allCases)
    func returns(reason: Reason) throws {
        let (first, second, cursor) = try withClaims { pool, quick in
            let slot = pool.layout.batchSlot(3)
            let first = quick.next()
            switch reason {
            case .failure: unsafe slot.lowestFailure.pointee.store(7, ordering: .relaxed)
            case .cancel: unsafe slot.lowestFailure.pointee.store(-1, ordering: .relaxed)
            case .recall: unsafe slot.recalled.pointee.store(1, ordering: .relaxed)
            case .otherBatch: pool.layout.open.insert(60)
            case .closed: pool.layout.open.remove(3)
            case .damagedCursor: unsafe slot.cursor.pointee.store(-5, ordering: .relaxed)
            }
            return (first, quick.next(), unsafe slot.cursor.pointee.load(ordering: .relaxed))
        }
        #expect(first == 0..<4)
        #expect(second == nil)
        // Only the damage is seen by a claim that is made.
        #expect(cursor == (reason == .damagedCursor ? -1 : 4))
    }

    @Test("are none where more batches can be open than one word says")
    func manyBatches() throws {
        let pool = try Pool(workers: 40, options: .init(), for: .forked)
        let slot = pool.layout.batchSlot(0)
        var claims = unsafe Claims(cursor: slot.cursor, count: 10)
        let isNone = unsafe withUnsafeMutablePointer(to: &claims) { claims in
            unsafe QuickClaims(claims, size: 1, pool.layout.record(0), slot, number: 0, open: pool.layout.open) == nil
        }
        #expect(isNone)
    }
}

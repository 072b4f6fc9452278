// SPDX-License-Identifier: Apache-2.0
import Synchronization
import Testing

@testable import ForkPool

@Suite("Claims from a shared cursor")
struct ClaimsTests {
    private func policy(_ fixed: Int? = 4) -> ChunkPolicy {
        ChunkPolicy(fixed: fixed, workers: 2)
    }

    @Test("are ranges in order, the last one cut to what is left")
    func inOrder() {
        let cursor = Cursor()
        defer { extendLifetime(cursor) }
        var claims = cursor.claims(count: 10)
        #expect(claims.next(policy()) == 0..<4)
        #expect(claims.next(policy()) == 4..<8)
        #expect(claims.next(policy()) == 8..<10)
        #expect(claims.next(policy()) == nil)
        #expect(claims.next(policy()) == nil)
    }

    @Test("of several workers never overlap and leave nothing out")
    func disjoint() {
        let cursor = Cursor()
        defer { extendLifetime(cursor) }
        var one = cursor.claims(count: 15)
        var other = cursor.claims(count: 15)
        #expect(one.next(policy()) == 0..<4)
        #expect(other.next(policy()) == 4..<8)
        #expect(other.next(policy(3)) == 8..<11)
        #expect(one.next(policy()) == 11..<15)
        #expect(other.next(policy()) == nil)
        #expect(one.next(policy()) == nil)
    }

    @Test("end where the cursor has gone back")
    func turnedBack() {
        let cursor = Cursor()
        defer { extendLifetime(cursor) }
        var one = cursor.claims(count: 20)
        #expect(one.next(policy()) == 0..<4)
        #expect(one.next(policy()) == 4..<8)
        #expect(!one.hasTurnedBack)
        cursor.set(0)
        #expect(one.next(policy()) == nil)
        #expect(one.hasTurnedBack)
    }

    @Test("take all items at once where the chunk is larger than the map")
    func largeChunk() {
        let cursor = Cursor()
        defer { extendLifetime(cursor) }
        var one = cursor.claims(count: 3)
        var other = cursor.claims(count: 3)
        #expect(one.next(policy(.max)) == 0..<3)
        #expect(other.next(policy(.max)) == nil)
        #expect(one.next(policy(.max)) == nil)
    }

    @Test("find nothing in an empty map")
    func empty() {
        let cursor = Cursor()
        defer { extendLifetime(cursor) }
        var claims = cursor.claims(count: 0)
        #expect(claims.next(policy()) == nil)
    }

    @Test("find nothing once they are closed")
    func closed() {
        let cursor = Cursor()
        defer { extendLifetime(cursor) }
        var claims = cursor.claims(count: 10)
        #expect(claims.next(policy()) == 0..<4)
        cursor.set(10)
        #expect(claims.next(policy()) == nil)
    }

    @Test(
        "find nothing behind a damaged cursor",
        arguments: [Int.min, .min + 1, -1, 10, 11, .max - 1, .max])
    func damaged(value: Int) {
        let cursor = Cursor(value)
        defer { extendLifetime(cursor) }
        var claims = cursor.claims(count: 10)
        #expect(claims.next(policy()) == nil)
        var automatic = cursor.claims(count: 10)
        cursor.set(value)
        #expect(automatic.next(policy(nil)) == nil)
    }

    @Test("stay within the map when a cursor is set back or forth in the middle")
    func moved() {
        let cursor = Cursor()
        defer { extendLifetime(cursor) }
        var claims = cursor.claims(count: 10)
        #expect(claims.next(policy()) == 0..<4)
        cursor.set(9)
        #expect(claims.next(policy()) == 9..<10)
        #expect(claims.next(policy()) == nil)
        var late = cursor.claims(count: 10)
        cursor.set(2)
        #expect(late.next(policy()) == 2..<6)
    }
}

/// A cursor in private memory.
@safe final class Cursor {
    private let word: UnsafeMutablePointer<Atomic<Int>>

    init(_ value: Int = 0) {
        unsafe word = .allocate(capacity: 1)
        unsafe word.initialize(to: Atomic(value))
    }

    deinit {
        unsafe word.deinitialize(count: 1)
        unsafe word.deallocate()
    }

    func set(_ value: Int) {
        unsafe word.pointee.store(value, ordering: .relaxed)
    }

    /// The claims of a worker, which must not outlive the cursor.
    func claims(count: Int) -> Claims {
        unsafe Claims(cursor: word, count: count)
    }
}

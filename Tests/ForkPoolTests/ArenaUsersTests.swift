// SPDX-License-Identifier: Apache-2.0
import Synchronization
import Testing

@testable import ForkPool

@Suite("The workers that wrote to their arenas")
struct ArenaUsersTests {
    /// The workers that the set of `users` has, in a pool of `workers`.
    private func found(_ users: [Int], of workers: Int) -> [Int] {
        let word = UnsafeMutablePointer<Atomic<Int>>.allocate(capacity: 1)
        unsafe word.initialize(to: Atomic(0))
        defer { unsafe word.deallocate() }
        for user in users { unsafe ArenaUsers.add(user, to: word) }
        var set = ArenaUsers()
        unsafe set.formUnion(word)
        #expect(set.isEmpty == users.isEmpty)
        var all = ArenaUsers()
        all.formUnion(set)
        var found: [Int] = []
        all.forEach(of: workers) { found.append($0) }
        return found.sorted()
    }

    @Test("are exactly those in a pool of up to 64")
    func few() {
        #expect(found([], of: 64) == [])
        #expect(found([0, 5, 63, 5], of: 64) == [0, 5, 63])
        #expect(found([1], of: 2) == [1])
    }

    @Test("are among those with the same remainder in a larger pool, and all in the pool")
    func many() {
        #expect(found([64, 129], of: 130) == [0, 1, 64, 65, 128, 129])
        #expect(found(Array(0..<1000), of: 1000) == Array(0..<1000))
    }

    @Test("are none beyond the pool, whatever the word holds")
    func damage() {
        #expect(found([60, 61], of: 3) == [])
        #expect(found(Array(0..<64), of: 3) == [0, 1, 2])
    }
}

// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Foundation
import Synchronization

/// Many forks beside threads that use everything all the time: safe bodies get done, and nothing ever hangs.
enum Forks {
    /// Deeds of bodies; the documentation's table says which are safe beside threads.
    enum Deed: Int, CaseIterable {
        case sums
        case strings
        case collections
        case allocation
        case thrown
        case format
        case files
        case random
        case thread
        case typeName
        case coldType
        case environment
        case date

        /// Whether the body needs nothing that another thread may have locked at the moment of the fork.
        ///
        /// `String(format:)` is not safe: about one in a hundred thousand needed a second attempt.
        var isSafe: Bool { rawValue < Deed.typeName.rawValue && self != .format }

        /// Picks a deed; the dangerous ones, which may take a whole timeout, more seldom.
        static func of(_ item: Int) -> Deed {
            let roll = Dice.mix(UInt64(item) &+ 77)
            if roll % 10 == 0 { return roll / 10 % 16 == 0 ? .date : roll % 3 == 0 ? .environment : .typeName }
            if roll % 10 == 1 { return .coldType }
            return Deed(rawValue: Int(roll / 10 % UInt64(Deed.typeName.rawValue)))!
        }
    }

    static func run(_ setting: Setting) -> String {
        let count = setting.pick(short: 1000, long: 20_000)
        // Unsafe deeds hang often, so their timeout is short; safe ones get the time that a busy machine needs.
        let hasty = pool(timeout: setting.pick(short: 1, long: 2))
        let patient = pool(timeout: 30)
        let hammers = Hammers.start(setting)
        var tally = Tally()
        var dice = setting.dice()
        var first = 0
        while first < count {
            let items = first..<min(first + Int.random(in: 1...100, using: &dice), count)
            for (pool, isSafe) in [(patient, true), (hasty, false)] {
                let items = items.filter { Deed.of($0).isSafe == isSafe }
                let results = pool.mapResults(items) { item in
                    expect(perform(Deed.of(item), item) == true, "\(Deed.of(item)) is wrong")
                    return ForkPool.worker?.attempt ?? 0
                }
                expect(results.count == items.count, "a map of \(items.count) items has \(results.count) results")
                for (item, result) in zip(items, results) { tally.add(Deed.of(item), result) }
            }
            first = items.upperBound
        }
        for hammer in hammers { hammer.stop() }
        return "\(tally), beside \(hammers.count) threads"
    }

    private static func pool(timeout: Int) -> ForkPool {
        ForkPool(
            workers: 4,
            options: .init(chunk: .fixed(1), timeout: .seconds(timeout), retries: 4, itemsPerWorker: 1))
    }

    private struct Tally: CustomStringConvertible {
        var done = 0
        var again = 0
        var attempts = 0
        var failures: [String: Int] = [:]

        mutating func add(_ deed: Deed, _ result: Result<Int, ForkPool.Failure>) {
            switch result {
            case .success(let attempt):
                expect(attempt == 1 || !deed.isSafe, "\(deed) was done only by attempt \(attempt)")
                done += 1
                if attempt > 1 { again += 1 }
                attempts += attempt
            case .failure(let failure):
                // A new attempt does not help against threads that hold a lock all the time.
                let isFair = failure.code == .timedOut || failure.code == .deadlocked || failure.code == .crashed
                expect(!deed.isSafe && isFair, "\(deed) fails: \(failure)")
                failures["\(deed) \(name(of: failure.code))", default: 0] += 1
                attempts += failure.attempt
            }
        }

        var description: String {
            let failed = listed(failures)
            return "\(grouped(attempts)) forks, \(grouped(done)) items done, \(again) of them by a later attempt, "
                + "failed were \(failed)"
        }
    }
}

extension Forks {
    /// Does a deed in a worker; returns whether the result is right.
    private static func perform(_ deed: Deed, _ item: Int) -> Bool {
        switch deed {
        case .sums: return (0..<1000).reduce(item, &+) == item + 499_500
        case .strings: return ("item " + String(item) + " ä").uppercased().hasPrefix("ITEM ")
        case .collections:
            return Dictionary(grouping: 0..<100) { $0 % 7 }.count == 7 && Set(0..<item % 50).count == item % 50
        case .allocation:
            return (1...200).map { [UInt8](repeating: 1, count: $0 * 40) }.reduce(0) { $0 + $1.count } == 804_000
        case .thrown: return (try? fail()) == nil
        case .format: return String(format: "%04d", item % 10_000).count == 4
        case .files: return !Files.bytes("/proc/self/stat").isEmpty
        case .random: return (0..<10).contains(Int.random(in: 0..<10))
        case .thread:
            let seen = Atomic(0)
            pthread_join(Threads.start { seen.store(item, ordering: .relaxed) }, nil)
            return seen.load(ordering: .relaxed) == item
        case .typeName: return "\(Named(number: item))".contains("\(item)")
        case .coldType: return Hammers.size(of: UInt8.self, UInt64(item), 12) > 0
        case .environment: return unsafe setenv("FORKPOOL_SOAK_ITEM", "\(item)", 1) == 0
        case .date: return Hammers.day(item % 9) == "2001-01-0\(item % 9 + 1)"
        }
    }

    struct Named {
        var number: Int
    }

    private struct Refusal: Error {}

    private static func fail() throws -> Int { throw Refusal() }
}

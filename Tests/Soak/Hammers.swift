// SPDX-License-Identifier: Apache-2.0
import Dispatch
import ForkPoolTestSupport
import Foundation

/// Threads that are in the middle of something at every fork.
enum Hammers {
    static func start(_ setting: Setting) -> [Background] {
        let works: [@Sendable (Int, inout Dice) -> Void] = [
            { number, _ in allocate(number) },
            { number, _ in expect(String(describing: Forks.Named(number: number)).count > 3, "a name is short") },
            { _, dice in expect(size(of: UInt8.self, dice.next(), 12) > 0, "a type is small") },
            { number, _ in expect(day(number % 9) == "2001-01-0\(number % 9 + 1)", "a date is wrong") },
            { number, _ in expect(unsafe setenv("FORKPOOL_SOAK_HAMMER", "\(number)", 1) == 0, "no environment") },
            { number, _ in useQueues(number) },
            { number, _ in useTasks(number) },
        ]
        return works.enumerated().map { salt, work in
            let first = setting.dice(salt + 1)
            return Background { background in
                var dice = first
                var number = 0
                while background.goesOn {
                    for _ in 0..<10 { work(number, &dice) }
                    number += 10
                    // On few cores the others, and the workers, would hardly have a turn.
                    nap(microseconds: Int.random(in: 0...300, using: &dice))
                }
            }
        }
    }

    private static func allocate(_ number: Int) {
        var parts: [[UInt8]] = []
        for size in 1...100 { parts.append([UInt8](repeating: UInt8(number % 256), count: size * (number % 90 + 1))) }
        expect(parts.count == 100, "an array is short")
    }

    private struct Left<T> {
        var value: T
    }

    private struct Right<T> {
        var value: T
        var other: UInt8
    }

    /// Makes a generic type from the bits of a number, mostly a new one.
    static func size<T>(of type: T.Type, _ bits: UInt64, _ depth: Int) -> Int {
        if depth == 0 { return MemoryLayout<T>.size }
        if bits & 1 == 0 { return size(of: Left<T>.self, bits >> 1, depth - 1) }
        return size(of: Right<T>.self, bits >> 1, depth - 1)
    }

    static func day(_ number: Int) -> String {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "UTC")
        formatter.dateFormat = "yyyy-MM-dd"
        return formatter.string(from: Date(timeIntervalSinceReferenceDate: Double(number) * 86_400))
    }

    private static func useQueues(_ number: Int) {
        let group = DispatchGroup()
        for _ in 0..<4 { DispatchQueue.global().async(group: group) { allocate(number) } }
        group.wait()
    }

    private static func useTasks(_ number: Int) {
        let done = DispatchSemaphore(value: 0)
        Task {
            let sum = await withTaskGroup(of: Int.self) { group in
                for part in 0..<4 { group.addTask { part + number } }
                return await group.reduce(0, +)
            }
            expect(sum == 4 * number + 6, "a task is wrong")
            done.signal()
        }
        done.wait()
    }
}

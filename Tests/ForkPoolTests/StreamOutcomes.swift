// SPDX-License-Identifier: Apache-2.0
import ForkPool
import Glibc
import Testing

/// Bodies and their expected outcomes: ten times each item's number, but each item that ends in 5 fails in its own way.
enum StreamOutcomes {
    struct Wrong: Error, Codable, Equatable {
        var number: Int
    }

    static func plain(_ item: Int) throws -> Int {
        switch item {
        case 5: throw Wrong(number: 5)
        case 15: abort()
        case 25: exit(3)
        case 35: kill(getpid(), SIGKILL)
        default: break
        }
        return item * 10
    }

    static func coded(_ item: Int) throws -> String { "\(try plain(item))" }

    /// Returns a body in which only that item fails.
    static func alone(_ failing: Int) -> (Int) throws -> Int {
        { item in
            guard item == failing else { return item * 10 }
            return try plain(item * 2 - 5)
        }
    }

    static func code(of item: Int) -> ForkPool.Failure.Code {
        switch item {
        case 5: .thrown
        case 10: .crashed
        case 15: .exited
        default: .killed
        }
    }

    static func failure<T>(_ result: Result<T, ForkPool.Failure>?) -> ForkPool.Failure? {
        if case .failure(let failure)? = result { failure } else { nil }
    }

    static func check<T>(_ outcomes: [Int: Result<T, ForkPool.Failure>]) {
        #expect(outcomes.count == 40)
        for item in 0..<40 where item % 10 != 5 {
            guard case .success(let output)? = outcomes[item] else {
                Issue.record("item \(item) has no result")
                continue
            }
            #expect("\(output)" == "\(item)0" || item == 0)
        }
        let failures = [5, 15, 25, 35].map { failure(outcomes[$0]) }
        #expect(failures.map { $0?.code } == [.thrown, .crashed, .exited, .killed])
        #expect(failures.map { $0?.index } == [5, 15, 25, 35])
        #expect(failures[0]?.thrown?.decode(as: Wrong.self)?.number == 5)
        #expect(failures[1]?.signal == SIGABRT)
        #expect(failures[2]?.exitStatus == 3)
        #expect(failures[3]?.signal == SIGKILL)
    }
}

// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolFoundation
import Foundation
import Testing

private enum Spoilt: LocalizedError {
    case empty
    case silent

    var errorDescription: String? { self == .empty ? "the file is empty" : nil }
}

struct Spoiling: ForkPool.Job {
    func run(_ item: Int) async throws -> Int { throw Spoilt.empty }
}

@Suite("ForkPoolFoundation")
struct LocalizedErrorTests {
    @Test("keeps the description of a LocalizedError that a body throws, as a failure's localizedDescription")
    func thrown() async {
        await #expect(processExitsWith: .success) {
            Self.throwInThread()
            do {
                _ = try await ForkPool(workers: 2).map(0..<3) { item -> Int in throw Spoilt.empty }
                Issue.record("nothing was thrown")
            } catch {
                let text = error.localizedDescription
                #expect(text == "item 0 threw Spoilt: the file is empty")
            }
        }
    }

    private static func throwInThread() {
        let results = ForkPool(workers: 2).mapResults(0..<3) { item -> Int in
            if item == 1 { throw Spoilt.empty }
            if item == 2 { throw Spoilt.silent }
            return item
        }
        guard case .failure(let empty) = results[1], case .failure(let silent) = results[2] else {
            Issue.record("\(results)")
            return
        }
        #expect(empty.description == "item 1 threw Spoilt: the file is empty")
        #expect((empty as any Error).localizedDescription == empty.description)
        #expect(empty.failureReason == "Spoilt: the file is empty" && empty.recoverySuggestion == nil)
        #expect(silent.description == "item 2 threw Spoilt: silent")
    }

    @Test("tells the reason and what to do apart, where the library knows what to do")
    func suggestion() async {
        await #expect(processExitsWith: .success) {
            let results = ForkPool(workers: 1).mapResults(0..<3) { item -> Int in
                if item == 1 { exit(3) }
                if item == 2 { abort() }
                return item
            }
            guard case .failure(let exited) = results[1], case .failure(let crashed) = results[2] else {
                Issue.record("\(results)")
                return
            }
            #expect(exited.failureReason?.hasSuffix("by exit(3)") == true, "\(exited)")
            #expect(exited.recoverySuggestion == "Return from the body or throw instead.")
            #expect(exited.errorDescription == exited.description)
            #expect(crashed.failureReason == crashed.message && crashed.recoverySuggestion == nil)
        }
    }

    @Test("does the same in workers of a resident pool, by fork and by exec", arguments: [false, true])
    func resident(byExec: Bool) async {
        await #expect(processExitsWith: .success) { [byExec] in
            let pool = try ForkPool(workers: 1).resident(Spoiling(), start: byExec ? .exec : .fork)
            guard case .failure(let failure) = await pool.mapResults([1])[0] else {
                Issue.record("nothing was thrown")
                return
            }
            #expect(failure.description == "item 0 threw Spoilt: the file is empty")
            await pool.finish()
        }
    }

    @Test("describes the errors of a stream's source, too")
    func source() async throws {
        await #expect(processExitsWith: .success) {
            let items = AsyncThrowingStream<Int, any Error> { $0.finish(throwing: Spoilt.empty) }
            var last: ForkPool.Failure?
            for await (_, result) in ForkPool(workers: 1).stream(items, { $0 }).results {
                if case .failure(let failure) = result { last = failure }
            }
            #expect(last?.message.hasSuffix("threw the file is empty") == true, "\(String(describing: last))")
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

@Suite struct ReplacementTests {
    @Test("D12: itemsPerWorker of 1 and 3 with many items: all done, and the workers change", arguments: Kind.allCases)
    func itemsPerWorker(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            for items in [1, 3] { ReplacementScenes.itemsPerWorker(kind, items) }
        }
    }

    @Test(
        "A: calls that wait while the workers of hundreds of others end get their results", arguments: Kind.resident)
    func waitingCalls(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in ReplacementScenes.waitingCalls(kind) }
    }

    // A one-shot map's workers end with it.
    @Test("A: a worker that dies beside 40 siblings is replaced, and they are left alone", arguments: Kind.resident)
    func manySiblings(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in ReplacementScenes.manySiblings(kind) }
    }

    // Only workers that are forked and stay have a template.
    @Test(
        "A: a killed template is started again, and so are the workers that ended with it",
        arguments: [Kind.residentBody, .residentJob])
    func template(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in ReplacementScenes.template(kind) }
    }
}

private enum ReplacementScenes {
    static func itemsPerWorker(_ kind: Kind, _ items: Int) {
        let count = kind == .oneShot || kind == .residentBody ? 1000 : 60
        Scene.survive(kind, options: .init(itemsPerWorker: items)) { pool throws in
            #expect(try pool.map((0..<count).map { .give($0) }) == Array(0..<count))
            let pids = try pool.map((0..<30).map { _ in .pid })
            #expect(Set(pids).count >= 30 / items)
            #expect(Dictionary(grouping: pids) { $0 }.values.allSatisfy { $0.count <= items })
            for number in 0..<20 { #expect(try pool(.give(number)) == number) }
        }
    }

    static func waitingCalls(_ kind: Kind) {
        // More calls than a pool has batch slots, so that others come to slots while these wait.
        Scene.survive(kind, workers: 2, options: .init(itemsPerWorker: 1)) { pool throws in
            let calls = (0..<300).map { pool.submit(.give($0)) }
            #expect(calls.map { try? $0.wait() } == Array(0..<300))
        }
        Scene.survive(kind, workers: 2) { pool throws in
            let calls = (0..<300).map { pool.submit($0 % 3 == 0 ? .give($0) : .raise(SIGKILL)) }
            for (number, call) in calls.enumerated() {
                if number % 3 == 0 {
                    #expect(try call.wait() == number)
                } else {
                    #expect(failure { () throws(ForkPool.Failure) in try call.wait() }?.signal == SIGKILL)
                }
            }
        }
    }

    static func manySiblings(_ kind: Kind) {
        let workers = kind == .exec ? 12 : 41
        Scene.survive(kind, workers: workers, options: .init(chunk: .fixed(1))) { pool throws in
            func pids(_ meeting: Rendezvous) throws(ForkPool.Failure) -> Set<Int> {
                Set(try pool.map((0..<workers).map { _ in .meet(at: meeting.path, workers, then: .pid) }))
            }
            let before = try pids(Rendezvous())
            #expect(before.count == workers)
            for _ in 0..<10 {
                #expect(failure { () throws(ForkPool.Failure) in try pool(.raise(SIGKILL)) }?.signal == SIGKILL)
            }
            // Every worker runs, and at least this many are the same as before.
            let after = try pids(Rendezvous())
            #expect(after.count == workers)
            #expect(before.intersection(after).count >= workers - 10)
        }
    }

    static func template(_ kind: Kind) {
        Scene.survive(kind, options: .init(chunk: .fixed(1))) { pool throws in
            for _ in 0..<5 {
                let template = Int32(try pool(.parent))
                #expect(template != getpid())
                kill(template, SIGKILL)
                // Some calls may meet workers that die with it.
                var answer: Int?
                while answer == nil { answer = try? pool(.parent) }
                while Int32(answer!) == template { answer = (try? pool(.parent)) ?? answer }
                #expect(try pool.map([.give(1), .give(2)]) == [1, 2])
            }
            // Workers that end with their template count as killed, even if a new template already runs.
            let meeting = Rendezvous()
            let template = Int32(try pool(.parent))
            Process.onThread {
                for _ in 0..<2 { _ = meeting.receive() }
                kill(template, SIGKILL)
            }
            let results = pool.mapResults([.sleep(at: meeting.path), .sleep(at: meeting.path)])
            #expect(results.map(\.failure?.code) == [.killed, .killed])
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import ForkPool
import Synchronization
import Testing

@testable import ForkPoolTesting

@Suite("The memory of issues")
struct IssueMemoryTests {
    private static func issue(_ text: String, item: Int = 0) -> WorkerIssue {
        var issue = WorkerIssue(
            text, file: "/a b/T.swift", fileID: "M/T.swift", line: 7, column: 3)
        (issue.pid, issue.worker, issue.attempt, issue.item) = (4711, 1, 2, item)
        return issue
    }

    @Test("gives back what workers wrote, in the order of the items, and the same issue once")
    func order() throws {
        let memory = IssueMemory(size: 4096)
        try ForkPool(workers: 2).forEach(0..<4) { item in
            memory.add(Self.issue("é\n", item: 3 - item))
            memory.add(Self.issue("é\n", item: 3 - item))
        }
        let (issues, loss) = memory.take()
        #expect(issues == (0..<4).map { Self.issue("é\n", item: $0) })
        #expect(issues[0].description(ofTestBefore: false) == "item 0, attempt 2, worker 1 (pid 4711): é\n")
        #expect(loss == nil)
        #expect(memory.take().issues.isEmpty)
    }

    @Test("keeps the beginning of a long text, and says so")
    func long() throws {
        // Two bytes a character: the limit is in the middle of one.
        let text = Self.issue("x" + String(repeating: "é", count: 9000)).text
        #expect(text == "x" + String(repeating: "é", count: 8191) + " … (the first 16383 of 18001 bytes)")
        #expect(Self.issue(String(repeating: "x", count: 16384)).text.utf8.count == 16384)
    }

    @Test("keeps the first ones where not all fit, and says so once")
    func full() throws {
        let memory = IssueMemory(size: 1 << 20)
        let text = String(repeating: "x", count: 16000)
        for item in 0..<100 { memory.add(Self.issue(text, item: item)) }
        let (issues, loss) = memory.take()
        #expect(issues.map(\.item) == Array(0..<65))
        #expect(loss == "More failed in workers than fits into 1 MiB: this is not all.")
        memory.add(Self.issue("next"))
        let next = memory.take()
        #expect(next.issues == [Self.issue("next")])
        #expect(next.loss == nil)
    }

    @Test("reads no issue from bytes that are none")
    func damaged() {
        let bytes = Self.issue("text").bytes
        #expect(WorkerIssue(bytes: bytes) == Self.issue("text"))
        #expect(WorkerIssue(bytes: bytes.dropLast(5)) == nil)
        #expect(WorkerIssue(bytes: [UInt8](repeating: 255, count: 40)) == nil)
        #expect(WorkerIssue(bytes: []) == nil)
        #expect(WorkerIssue(bytes: Self.issue("zero \0 byte").bytes)?.text == "zero \u{FFFD} byte")
    }

    @Test("one task at a time has its turn")
    func turns() async {
        let turns = Turns()
        final class Room: Sendable { let count = Mutex((now: 0, most: 0)) }
        let room = Room()
        await withTaskGroup { group in
            for _ in 0..<100 {
                group.addTask {
                    await turns.begin()
                    room.count.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
                    await Task.yield()
                    room.count.withLock { $0.now -= 1 }
                    turns.end()
                }
            }
        }
        #expect(room.count.withLock { $0.most } == 1)
    }
}

// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

@Suite struct LeftProcessTests {
    // A resident pool has one memory for all its maps.
    @Test("G15: a process that a body made, in any way, and that writes into all it shares touches no later map")
    func laterMaps() async {
        await #expect(processExitsWith: .success) {
            for writer in Tampering.Writer.allCases { LeftProcessScenes.laterMaps(writer) }
        }
    }

    @Test("G15: a body cannot change the inputs of other items", arguments: Kind.resident)
    func inputs(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in LeftProcessScenes.inputs(kind) }
    }

    @Test("G15: one wild write of 8 bytes into the front of a one-shot map's memory makes no other item wrong")
    func oneWrite() async {
        await #expect(processExitsWith: .success) { LeftProcessScenes.oneWrite() }
    }
}

private enum LeftProcessScenes {
    static func laterMaps(_ writer: Tampering.Writer) {
        Scene.setDeadline()
        let meeting = Rendezvous()
        let pool = ForkPool(workers: 2, options: .init(chunk: .fixed(1), timeout: .seconds(5)))
        expectRight(pool, "before")
        let deed = Deed.tamper(.leave(writer, at: meeting.path), then: .give(0))
        _ = pool.mapResults([deed, .give(1)]) { try $0.perform() }
        // The writer writes from here on, where it has the memory at all.
        let pid = meeting.receive()
        for round in 0..<50 { expectRight(pool, "\(writer), round \(round)") }
        if ProcessStatus.isAlive(pid) { kill(pid, SIGKILL) }
        #expect(meeting.everyWriterIsGone())
    }

    private static func expectRight(_ pool: ForkPool, _ name: String) {
        let numbers = pool.mapResults(0..<100) { $0 * 3 }
        let wrong = numbers.enumerated().filter { $1.value != $0 * 3 }
        #expect(wrong.isEmpty, "\(name): \(wrong.count) numbers of 100: \(wrong.prefix(1))")
        let words = pool.mapResults(0..<20) { "item \($0)" }
        let wrongWords = words.enumerated().filter { $1.value != "item \($0)" }
        #expect(wrongWords.isEmpty, "\(name): \(wrongWords.count) words of 20: \(wrongWords.prefix(1))")
    }

    static func inputs(_ kind: Kind) {
        // One worker, so that all other inputs are changed before they are read.
        Scene.survive(Replacing(), kind, workers: 1, options: .init(chunk: .fixed(1)), nil) { pool throws in
            for round in 0..<3 {
                let inputs = (0..<300).map { "qqq\($0)" }
                let results = pool.mapResults([Replacing.start] + inputs).dropFirst()
                let wrong = zip(results, inputs).filter { result, input in result.value.map { $0 != input } ?? false }
                #expect(wrong.isEmpty, "round \(round): \(wrong.count) of 300 silently wrong: \(wrong.prefix(1))")
                #expect(try pool.map(["a", "b"]) == ["a", "b"])
            }
        }
    }

    static func oneWrite() {
        Host.warmUp(.oneShot)
        // The first page has all that a small map needs.
        let offsets = Array(stride(from: 0, to: 4096, by: 8)) + Array(stride(from: 4096, to: 16 << 10, by: 128))
        for word in [-1, 0x0101_0101_0101_0101] {
            for first in stride(from: 0, to: offsets.count, by: 32) {
                let some = offsets[first..<min(first + 32, offsets.count)]
                Host.run("\(word) at \(some.first!) to \(some.last!)") { complaints in
                    for offset in some { complaints.list += complaintsAfter(word, at: offset) }
                }
            }
        }
    }

    /// Has one body of a map write a word into the map's memory; returns what is silently wrong.
    private static func complaintsAfter(_ word: Int, at offset: Int) -> [String] {
        let pool = ForkPool(workers: 2, options: .init(chunk: .fixed(1), timeout: .seconds(2)))
        let results = pool.mapResults(0..<6) { item in
            if item == 3 {
                let range = Files.sharedMappings.max { $0.count < $1.count }!
                unsafe UnsafeMutablePointer<Int>(bitPattern: range.lowerBound + offset)!.pointee = word
            }
            return "item \(item)"
        }
        return results.enumerated().compactMap { item, result in
            guard item != 3, let value = result.value, value != "item \(item)" else { return nil }
            return "\(word) at \(offset): \(value) for item \(item)"
        }
    }
}

/// Returns its input; one input is to change all others that it finds in shared memory.
struct Replacing: PlainJob {
    typealias Input = String
    typealias Output = String

    static let start = "start"

    func act(_ text: String) throws -> String {
        if text == Self.start { Tampering.replace("qqq", by: "qrq").apply() }
        return text
    }
}

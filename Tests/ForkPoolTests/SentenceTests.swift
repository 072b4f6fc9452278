// SPDX-License-Identifier: Apache-2.0
import CForkPool
import Testing

@testable import ForkPool

@Suite("Words of the system")
struct SentenceTests {
    @Test(
        "of the runtime become a sentence that ends with the file",
        arguments: [
            (
                "Swift/ContiguousArrayBuffer.swift:692: Fatal error: Index out of range\n",
                "Fatal error: Index out of range at ContiguousArrayBuffer.swift:692"
            ),
            ("App/main.swift:3: Fatal error\n", "Fatal error at main.swift:3"),
            ("main.swift:3: Fatal error: a: b: c", "Fatal error: a: b: c at main.swift:3"),
            ("/a b/c.swift:1: Fatal error: two\nlines\n", "Fatal error: two\nlines at c.swift:1"),
            ("Fatal error: Division by zero\n", "Fatal error: Division by zero"),
            (": Fatal error: nowhere", "Fatal error: nowhere"),
            ("note\nx.swift:1: Fatal error: late", "note\nx.swift:1: Fatal error: late"),
            ("  something else \n", "something else"),
            ("héé.swift:1: Fatal error: ünï", "Fatal error: ünï at héé.swift:1"),
            ("\n \t", ""), ("", ""),
        ])
    func sentences(message: String, sentence: String) {
        #expect(ForkPool.Failure.sentence(message) == sentence)
    }

    @Test(
        "for signals are their names",
        arguments: [
            (4, "SIGILL"), (6, "SIGABRT"), (9, "SIGKILL"), (11, "SIGSEGV"), (15, "SIGTERM"), (31, "SIGSYS"),
            (0, "signal 0"), (-1, "signal -1"), (40, "signal 40"), (65, "signal 65"),
        ] as [(Int32, String)])
    func signals(number: Int32, name: String) {
        #expect(SystemError.name(ofSignal: number) == name)
    }

    @Test("for an errno are its text and number")
    func reasons() {
        #expect(SystemError(call: "fork", code: 11).reason == "Resource temporarily unavailable (errno 11)")
        #expect(SystemError(call: "fork", code: 9999).reason == "unknown error (errno 9999)")
    }

    @Test("are asked again after EINTR, and are an error after anything else")
    func check() throws {
        var answers: [Int32] = [-4, -4, 7]
        #expect(try SystemError.check("read") { answers.removeFirst() } == 7)
        #expect(answers.isEmpty)
        #expect(try SystemError.check("read") { 0 } == 0)
        #expect(throws: SystemError(call: "open", code: 2)) { try SystemError.check("open") { -2 } }
    }

    @Test("of a crash are kept if they are of the signal that ended the worker")
    func record() {
        var record = cforkpool_crash()
        record.signal = 4
        record.address = 32
        record.stack_overflow = 1
        record.length = 2
        record.text.0 = 0x41
        record.text.1 = 0x42
        #expect(
            CrashReport(record, of: 4)
                == CrashReport(signal: 4, address: 32, isStackOverflow: true, message: "AB", memoryLeft: 0))
        #expect(CrashReport(record, of: 9) == nil)
        // A damaged length does not reach beyond the text.
        record.length = .max
        #expect(CrashReport(record, of: 4)?.message.utf8.count == 984)
    }
}

// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc

/// Kills a process that maps with a journal at a random moment and starts it again, until it is done: the results are those of
/// an undisturbed run, and nothing that is in the journal runs again.
///
/// Each body notes its item in a file before it returns. Between two runs the journal says which items must not run any more.
enum Journals {
    static func run(_ setting: Setting) -> String {
        var dice = setting.dice()
        var tally = Tally()
        let wanted = setting.pick(short: 20, long: 200)
        while tally.kills < wanted {
            let job = JournalWork.allCases[tally.jobs % JournalWork.allCases.count]
            let kind = Kind.allCases[tally.jobs / JournalWork.allCases.count % Kind.allCases.count]
            finish(job, kind, &tally, &dice)
        }
        return tally.description
    }

    private struct Tally: CustomStringConvertible {
        var jobs = 0
        var kills = 0
        var runs = 0
        var items = 0
        /// Items that ran again because they were not in the journal.
        var again = 0
        /// Kills that left a part of a record.
        var torn = 0

        var description: String {
            "\(grouped(kills)) kills of \(grouped(jobs)) jobs with \(grouped(items)) items, all results right; 0 items ran again "
                + "that were in the journal, \(grouped(again)) that were not; \(torn) torn records"
        }
    }

    /// Runs a job until it is done.
    private static func finish(_ job: JournalWork, _ kind: Kind, _ tally: inout Tally, _ dice: inout Dice) {
        let folder = Files.makeFolder()
        defer {
            for name in ["journal", "notes"] { unsafe unlink(folder + "/" + name) }
            unsafe rmdir(folder)
        }
        let (name, path, notes) = ("\(kind) \(job)", folder + "/journal", folder + "/notes")
        var ran = 0
        var isDone = false
        while !isDone {
            let recorded = JournalItems(path, of: job.count)
            isDone = !runOnce([kind.rawValue, job.rawValue, folder], name, &dice)
            if !isDone { tally.kills += 1 }
            tally.runs += 1
            let items = Self.notes(notes)
            for item in items[ran...] {
                expect(item >= 0 && item < job.count, "\(name): item \(item) is none")
                expect(!recorded.isThere[item], "\(name): item \(item) was in the journal, and ran again")
            }
            ran = items.count
            let now = JournalItems(path, of: job.count)
            expect(zip(recorded.isThere, now.isThere).allSatisfy { !$0 || $1 }, "\(name): the journal lost an item")
            let counts = items.reduce(into: Array(repeating: 0, count: job.count)) { $0[$1] += 1 }
            for item in 0..<job.count where now.isThere[item] { expect(counts[item] > 0, "\(name): \(item) never ran") }
            if now.isTorn { tally.torn += 1 }
            if isDone { expect(now.isThere.allSatisfy(\.self), "\(name): the journal is not whole") }
        }
        tally.jobs += 1
        tally.items += job.count
        tally.again += ran - job.count
    }

    /// Starts a process for a job, and kills it at a random moment; returns whether it was killed before it was done.
    private static func runOnce(_ words: [String], _ name: String, _ dice: inout Dice) -> Bool {
        let token = "\(getpid()).\(dice.next())"
        unsafe setenv(Processes.trialVariable, token, 1)
        let parent = Runner.spawn(["--journal"] + words)
        nap(microseconds: Int.random(in: 0...600_000, using: &dice))
        kill(parent, SIGKILL)
        var status: Int32 = 0
        while unsafe waitpid(parent, &status, 0) < 0, errno == EINTR {}
        expect(status == SIGKILL || status == 0, "\(name): a run ended with status \(status)")
        // A worker that is being killed may still note its item.
        let end = monotonic() + 10_000_000_000
        while !Processes.all(with: Processes.trialVariable, token).isEmpty {
            expect(monotonic() < end, "\(name): a process is left")
        }
        return status == SIGKILL
    }

    private static func notes(_ path: String) -> [Int] {
        let bytes = Files.bytes(path)
        return (0..<bytes.count / 4).map { note in
            (0..<4).reduce(0) { $0 | Int(bytes[4 * note + $1]) << (8 * $1) }
        }
    }
}

/// The jobs that are killed: of results that are bits, codes, large ones, and none.
enum JournalWork: String, CaseIterable {
    case numbers
    case words
    case slots
    case effects

    var count: Int { self == .slots ? 300 : 1500 }

    /// Runs the map of this process, and checks its results.
    static func beParent(_ arguments: [String]) -> Never {
        guard arguments.count == 3, let kind = Kind(rawValue: arguments[0]),
            let work = JournalWork(rawValue: arguments[1])
        else { usage() }
        do {
            try work.run(kind, in: arguments[2])
        } catch {
            violation("\(kind) \(work) with a journal: \(error)")
        }
        _exit(0)
    }

    private func run(_ kind: Kind, in folder: String) throws {
        let (journal, items, pool) = (folder + "/journal", 0..<count, ForkPool(workers: 3))
        switch (self, kind) {
        case (.slots, _):
            let size = 20_000
            let slots = try pool.fill(count: count, slot: size, of: UInt8.self, journal: journal, sync: .none) {
                item, slot in
                slot.update(repeating: UInt8(truncatingIfNeeded: item))
                Self.note(item, in: folder)
            }
            for item in items {
                let (first, last) = (slots[item * size], slots[item * size + size - 1])
                expect(
                    first == UInt8(truncatingIfNeeded: item) && last == first, "slot \(item) has \(first) and \(last)")
            }
        case (.numbers, .oneShot):
            check(try pool.map(items, journal: journal, sync: .none) { Self.number($0, in: folder) })
        case (.words, .oneShot):
            check(try pool.map(items, journal: journal, sync: .none) { Self.word($0, in: folder) })
        case (.effects, .oneShot):
            try pool.forEach(items, journal: journal, sync: .none) { Self.note($0, in: folder) }
        case (.words, _):
            let words: ForkPool.Resident<Int, String> =
                switch kind {
                case .residentBody: try pool.resident { Self.word($0, in: folder) }
                default: try pool.resident(JournalWords(folder: folder), start: kind == .exec ? .exec : .fork)
                }
            check(try words.map(items, journal: journal, sync: .none))
            words.close()
        case (_, _):
            let numbers: ForkPool.Resident<Int, Int> =
                switch kind {
                case .residentBody: try pool.resident { Self.number($0, in: folder) }
                default: try pool.resident(JournalNumbers(folder: folder), start: kind == .exec ? .exec : .fork)
                }
            if self == .effects {
                try numbers.forEach(items, journal: journal, sync: .none)
            } else {
                check(try numbers.map(items, journal: journal, sync: .none))
            }
            numbers.close()
        }
    }

    private func check(_ numbers: [Int]) {
        expect(numbers == (0..<count).map(Work.expected), "the numbers are wrong")
    }

    private func check(_ words: [String]) {
        expect(words == (0..<count).map { "item \($0)" }, "the words are wrong")
    }

    static func number(_ item: Int, in folder: String) -> Int {
        note(item, in: folder)
        return Work.expected(item)
    }

    static func word(_ item: Int, in folder: String) -> String {
        note(item, in: folder)
        return "item \(item)"
    }

    /// Takes a moment, and notes that the item ran: four bytes by one write, which no other note divides.
    static func note(_ item: Int, in folder: String) {
        nap(microseconds: 500)
        let file = unsafe open(folder + "/notes", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        var bytes = (0..<4).map { UInt8(truncatingIfNeeded: item >> (8 * $0)) }
        expect(unsafe write(file, &bytes, 4) == 4, "item \(item) is not noted: errno \(errno)")
        close(file)
    }
}

/// Jobs of those pools that are not for a closure.
struct JournalNumbers: ForkPool.Job {
    let folder: String

    func run(_ item: Int) async throws -> Int { JournalWork.number(item, in: folder) }
}

struct JournalWords: ForkPool.Job {
    let folder: String

    func run(_ item: Int) async throws -> String { JournalWork.word(item, in: folder) }
}

import Testing

@testable import ForkPoolCLI

@Suite("The parts of a run")
struct RunPartsTests {
    private func finished(_ number: Int, _ reason: JobEnd.Reason = .exited(0)) -> Finished {
        Finished(
            job: Job(number: number, values: [[]]),
            end: JobEnd(reason: reason, words: [[]], start: 0, wall: 0, usage: nil), output: .nothing, errors: .nothing,
            bytes: 0)
    }

    @Test("print in the order of the input, whoever is ready first")
    func order() {
        var jobs = OrderedJobs(keepsOrder: true)
        #expect(jobs.add(2, finished(2)).isEmpty)
        #expect(jobs.add(4, finished(4)).isEmpty)
        #expect(jobs.add(1, finished(1)).map(\.job.number) == [1, 2])
        // One that was done by an earlier run has nothing to print.
        #expect(jobs.add(3, nil).map(\.job.number) == [4])
        #expect(jobs.next == 5)
        #expect(jobs.add(7, finished(7)).isEmpty && jobs.add(6, finished(6)).isEmpty)
        #expect(jobs.drain().map(\.job.number) == [6, 7])
    }

    @Test("print at once if the order is that of the ends")
    func unordered() {
        var jobs = OrderedJobs(keepsOrder: false)
        #expect(jobs.add(2, finished(2)).map(\.job.number) == [2])
        #expect(jobs.drain().isEmpty)
    }

    @Test(
        "end with the highest of the jobs' codes",
        arguments: [
            ([], 0), ([.exited(0)], 0), ([.exited(0), .exited(126)], 123), ([.exited(1), .timedOut], 124),
            ([.killed(by: 9), .timedOut], 125), ([.tooMuchOutput], 123), ([.cancelled], 0),
            ([.refused(call: "execve", code: 2), .killed(by: 9)], 127), ([.refused(call: "execve", code: 13)], 126),
        ] as [([JobEnd.Reason], Int32)])
    func codes(_ reasons: [JobEnd.Reason], _ code: Int32) {
        var tally = JobTally()
        for reason in reasons { tally.count(finished(1, reason).end) }
        #expect(tally.exitCode == code)
    }

    @Test("tell ten failures one by one, and the rest in one line")
    func sentences() {
        var tally = JobTally()
        var told: [String] = []
        for number in 1...12 {
            let job = finished(number, .exited(3))
            tally.count(job.end)
            if let sentence = tally.tell(job.job, job.end, RunLimits()) { told.append(sentence) }
        }
        #expect(told.count == 10 && told[0] == "job 1 (): exit status 3")
        #expect(tally.summary == "12 of 12 jobs failed; --log FILE has all of them")
    }

    @Test("show how far they are, and how long the rest may take")
    func status() {
        var tally = JobTally()
        #expect(RunStatus.text(tally, running: 2, total: nil, seconds: 1) == "0 done, 2 running")
        for _ in 0..<3 { tally.count(finished(1).end) }
        tally.count(finished(1, .timedOut).end)
        #expect(
            RunStatus.text(tally, running: 2, total: 12, seconds: 4) == "4 of 12 done, 2 running, 1 failed, 0:08 left")
        #expect(RunStatus.text(tally, running: 2, total: 40_004, seconds: 4).hasSuffix(", 11:06:40 left"))
    }

    @Test("quote what a shell would take apart")
    func quoting() {
        func quoted(_ words: [String]) -> String { quotedForShell(words.map { Array($0.utf8) }) }
        #expect(quoted(["echo", "a b", "", "it's", "$x", "a/b.c"]) == "echo 'a b' '' 'it'\\''s' '$x' a/b.c")
        #expect(quoted(["é ü"]) == "'é ü'")
        #expect(quoted(["a\nb"]) == "$'a\\x0ab'")
        #expect(quotedForShell([[0xFF, 0x27]]) == "$'\\xff\\''")
    }

    @Test("put the item in front of each line, the last one's end or not")
    func tagging() {
        func tagged(_ text: String) -> String {
            guard case .bytes(let bytes) = Tagging.tagged(.bytes(Array(text.utf8)), Array("t".utf8)) else { return "" }
            return String(decoding: bytes, as: UTF8.self)
        }
        #expect(tagged("a\n\nb") == "t\ta\nt\t\nt\tb")
        #expect(tagged("a\n") == "t\ta\n")
    }

    @Test("read a log up to a line that was cut, and take a job's last line")
    func resume() throws {
        let folder = try ScratchFolder()
        func line(_ job: Int, _ item: String, _ exit: String) -> String {
            "{\"seq\": \(job), \"item\": \"\(item)\", \"exit\": \(exit)}\n"
        }
        let whole = line(1, "a", "0") + line(2, "b", "1") + line(3, "c", "null") + line(1, "a", "2") + line(4, "d", "0")
        let log = try ResumeLog(try folder.write(whole + "{\"seq\": 5, \"it", to: "log"))
        #expect(log.done == [4: Array("d".utf8)])
        #expect(log.length == whole.utf8.count)
        #expect(try ResumeLog(folder.path + "/none").done.isEmpty)
        #expect(throws: ResumeProblem.self) { try ResumeLog(try folder.write("no log\n", to: "other")) }
    }
}

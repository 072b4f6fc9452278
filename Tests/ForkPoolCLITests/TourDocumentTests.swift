// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Testing

@Suite("The JSON document of the tour")
struct TourDocumentTests {
    private static let sums = [11, 12, 13, 14, 15, 6, 4, 2, 4, 7]

    /// Reads the chapters of the document.
    private static func chapters(of run: CommandRun) throws -> [[String: Any]] {
        let document = try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any]
        return try #require(document?["chapters"] as? [[String: Any]])
    }

    /// Checks the totals of two workers that add 3, 2, 9 and 1 in turn.
    private static func checkTrap(_ chapter: [String: Any]) throws {
        let subtotals = try #require(chapter["subtotals"] as? [Int])
        let workers = try #require(chapter["subtotal_workers"] as? [Int])
        // Each worker has one of the first two numbers and one of the others.
        #expect(subtotals == (workers[0] == workers[2] ? [3, 2, 12, 3] : [3, 2, 11, 4]))
        #expect(Set(workers[0..<2]) == [0, 1] && Set(workers[2...]) == [0, 1])
        #expect(chapter["total"] as? Int == 0)
        let shared = try #require(chapter["shared_subtotals"] as? [Int])
        #expect(Set(shared).count == 4 && shared.max() == 15)
        #expect(chapter["shared_total"] as? Int == 15)
    }

    @Test("every chapter has a name, seconds and results")
    func everyChapter() throws {
        let folder = try ScratchFolder()
        try folder.write("abc", to: "of \"three\" bytes\\")
        let run = try CommandRun(
            ["tour", "--json"],
            through: ["/bin/sh", "-c", "cd \"$0\" && exec \"$@\"", folder.path]
        )
        #expect(run.code == 0)
        #expect(run.errors == "")
        let chapters = try Self.chapters(of: run)
        #expect(
            chapters.compactMap { $0["name"] as? String } == ["loop", "lazy", "pool", "computation", "trap", "files"]
        )
        #expect(chapters.compactMap { $0["chapter"] as? Int } == [1, 2, 3, 4, 5, 6])
        #expect(chapters.compactMap { $0["seconds"] as? Double }.count == 6)
        #expect(chapters.compactMap { $0["results"] as? [Int] }.count == 6)

        #expect(chapters[0]["results"] as? [Int] == Self.sums)
        #expect(chapters[1]["results"] as? [Int] == Self.sums)
        #expect((chapters[1]["arrivals"] as? [Double])?.count == 10)
        let runs = try #require(chapters[2]["runs"] as? [[String: Any]])
        #expect(runs.map { $0["workers"] as? Int } == [5, 10])
        #expect(runs.allSatisfy { $0["results"] as? [Int] == Self.sums })

        #expect(chapters[3]["results"] as? [Int] == Self.sums)
        // The counts of odd numbers in three million turns, as a loop in C computes them.
        #expect(
            chapters[3]["odd"] as? [Int] == [
                1_500_761, 1_500_650, 1_500_364, 1_500_253, 1_500_741, 1_500_545, 1_500_626, 1_499_209, 1_500_626,
                1_499_479,
            ]
        )
        let computed = try #require(chapters[3]["runs"] as? [[String: Any]])
        #expect(computed.map { $0["workers"] as? Int } == [1, 10])
        #expect(chapters[3]["speed_up"] is Double)
        #expect((chapters[3]["processors"] as? Int ?? 0) >= 1)

        try Self.checkTrap(chapters[4])

        #expect(chapters[5]["folder"] as? String == ".")
        #expect(chapters[5]["files"] as? Int == 1)
        #expect(chapters[5]["bytes"] as? Int == 3)
        #expect(chapters[5]["mb_per_s"] is Double)
        #expect(chapters[5]["matches"] as? Bool == true)
        #expect((chapters[5]["failures"] as? [Any])?.isEmpty == true)
    }

    @Test("resident workers give the same results, and the seconds of their start")
    func resident() throws {
        let folder = try ScratchFolder()
        try folder.write("abc", to: "three")
        let run = try CommandRun(["tour", "--json", "--resident", folder.path])
        #expect(run.code == 0)
        #expect(run.errors == "")
        let chapters = try Self.chapters(of: run)
        for chapter in [2, 3] {
            let runs = try #require(chapters[chapter]["runs"] as? [[String: Any]])
            #expect(runs.count == 2)
            #expect(runs.allSatisfy { $0["start_seconds"] is Double })
            if chapter == 2 { #expect(runs.allSatisfy { $0["results"] as? [Int] == Self.sums }) }
        }
        #expect(chapters[3]["results"] as? [Int] == Self.sums)
        try Self.checkTrap(chapters[4])
        // The workers kept their totals: the last ones have everything twice.
        let later = try #require(chapters[4]["later_subtotals"] as? [Int])
        let workers = try #require(chapters[4]["later_subtotal_workers"] as? [Int])
        #expect(Dictionary(zip(workers, later), uniquingKeysWith: max).values.reduce(0, +) == 30)
        #expect(chapters[5]["start_seconds"] is Double)
        #expect(chapters[5]["matches"] as? Bool == true)
        let plain = try Self.chapters(of: CommandRun(["tour", "--json", folder.path]))
        #expect(chapters[5]["digest"] as? String == plain[5]["digest"] as? String)
        #expect(plain.allSatisfy { $0["start_seconds"] == nil && $0["later_subtotals"] == nil })
    }

    @Test("an empty folder is no error: no files, no speed, and the digest of no bytes")
    func emptyFolder() throws {
        let folder = try ScratchFolder()
        let run = try CommandRun(["tour", "--json", folder.path])
        #expect(run.code == 0)
        let files = try Self.chapters(of: run)[5]
        #expect(files["files"] as? Int == 0)
        #expect(files["bytes"] as? Int == 0)
        #expect(files["mb_per_s"] is NSNull)
        #expect(files["digest"] as? String == "ef46db3751d8e999")
        #expect(files["matches"] as? Bool == true)
    }

    @Test("a path that is no folder fails at once with 66, without a document")
    func noFolder() throws {
        let folder = try ScratchFolder()
        let missing = folder.path + "/missing"
        let file = try folder.write("abc", to: "file")
        let loop = try folder.link("loop", to: "loop")
        let expected = [
            (missing, "no such folder"), (file, "not a folder"),
            (loop, "a loop of symbolic links, which leads to no folder"),
        ]
        for (path, reason) in expected {
            for flags in [[], ["--json"]] {
                let run = try CommandRun(["tour", path] + flags)
                #expect(run.code == 66)
                #expect(run.output == "")
                #expect(run.errors == "forkpool: \(path): \(reason)\n")
            }
        }
    }

    @Test("follows a symbolic link that is given as the folder")
    func linkToFolder() throws {
        let folder = try ScratchFolder()
        try folder.write("abc", to: "there/file")
        let link = try folder.link("here", to: "there")
        #expect(try Self.chapters(of: CommandRun(["tour", "--json", link]))[5]["files"] as? Int == 1)
    }

    /// Removes the capabilities by which root can read everything, so that a mode of 0 also stops root.
    private static let powerless =
        getuid() == 0 ? ["/usr/bin/setpriv", "--bounding-set=-dac_override,-dac_read_search"] : []

    @Test(
        "names unreadable files on standard error and in the document, reads the rest, and exits with 1",
        .enabled(
            if: powerless.isEmpty || FileManager.default.isExecutableFile(atPath: powerless[0]),
            "root can read everything, and there is no setpriv"
        )
    )
    func unreadable() throws {
        let folder = try ScratchFolder()
        try folder.write("abc", to: "good")
        let secret = try folder.write("abc", to: "secret\u{1B}[31m")
        try folder.write("abc", to: "locked/inside")
        let locked = folder.path + "/locked"
        for path in [secret, locked] { unsafe chmod(path, 0) }
        defer { unsafe chmod(locked, 0o700) }
        let run = try CommandRun(["tour", "--json", folder.path], through: Self.powerless)
        #expect(run.code == 1)
        #expect(
            run.errors == """
                forkpool: \(locked): Permission denied (open)
                forkpool: \(folder.path)/secret\\u{1b}[31m: Permission denied (open)

                """
        )
        let files = try Self.chapters(of: run)[5]
        #expect(files["files"] as? Int == 1)
        #expect(files["matches"] as? Bool == true)
        let failures = try #require(files["failures"] as? [[String: String]])
        #expect(failures.map { $0["path"] } == [locked, secret])
        #expect(failures.map { $0["reason"] } == ["Permission denied (open)", "Permission denied (open)"])
    }
}
#endif

// SPDX-License-Identifier: Apache-2.0
#if Command
import Testing

@Suite("forkpool bench -N, which hyperfine has for something else")
struct BenchNameTests {
    private func bench(_ arguments: [String]) throws -> CommandRun { try CommandRun(["bench"] + arguments) }

    @Test("-N names commands; one name for several values of a list has them")
    func given() throws {
        let run = try bench(["-n", "6", "-N", "old", "--name", "new", "sleep 0.01", "sleep 0.02"])
        #expect(run.code == 0 && run.output.hasPrefix("old  sleep 0.01\n"))
        #expect(run.output.contains("\nnew  sleep 0.02\n") && run.output.contains("\nnew is "))
        #expect(run.output.contains(" × old by wall time"))
        // The others keep their letters.
        #expect(
            try bench(["-n", "1", "-N", "one", "true", "false", "--ignore-failure"]).output.contains("\nB  false\n"))
        let lists = try bench(["-n", "1", "-L", "x=1,2", "-N", "with {x}", "-N", "as", "echo {x}", "echo a{x}"])
        for name in ["with 1", "as (x=1)", "with 2", "as (x=2)"] {
            #expect(lists.output.contains("\(name)  echo "), "\(lists.output)")
        }
        let odd = try bench(["-n", "1", "-N", "a|\u{1B}[2J", "--md", "-", "true"])
        #expect(odd.output.contains("\n| a\\|\\\\u{1b}[2J | `true` |"), "\(odd.output)")
        let many = try bench(["-N", "a", "-N", "b", "true"])
        #expect(many.code == 64 && many.errors.contains("there are 2 names, and 1 command."))
    }

    private static let leaveOut = "hyperfine's -N, to start commands without a shell, is the default: leave it out"

    @Test(
        "a command line after -N is refused with one line that says what to type",
        arguments: [
            (["-N", "sleep 0.01", "sleep 0.02"], "'sleep 0.01'"), (["-N", "sleep 0.01"], "'sleep 0.01'"),
            (["-n", "1", "-N", "true", "false", "echo"], "true"),
            (["-N", "/bin/true x", "--", "true"], "'/bin/true x'"),
        ])
    func command(_ arguments: [String], _ quoted: String) throws {
        let run = try bench(arguments)
        #expect(run.code == 64 && run.output.isEmpty)
        #expect(
            run.errors.split(separator: "\n").first.map(String.init)
                == "Error: -N is the name of a command here, and \(quoted) is a command; \(Self.leaveOut), "
                + "or write --name \(quoted).", "\(run.errors)")
    }

    @Test(
        "so is -N without a value",
        arguments: [
            ["-N", "-r", "3", "true"], ["-N", "--warmup", "1", "true"], ["true", "-N"], ["-Nw3", "true"],
            ["-Ni", "true", "echo"],
        ])
    func withoutValue(_ arguments: [String]) throws {
        let run = try bench(arguments)
        #expect(
            run.code == 64
                && run.errors == "forkpool: -N is the name of a command here; \(Self.leaveOut).\n", "\(run.errors)")
    }

    @Test(
        "what hyperfine spells otherwise is one line that says what to type",
        arguments: [
            (
                ["-n", "fast one", "true"],
                "-n is the number of runs here, and fast one is none; hyperfine's -n is -N NAME here."
            ),
            (
                ["--ignore-failure=1,2", "true"],
                "--ignore-failure has no value here; for exit codes that are no failure there is --exit-codes 0,1,2."
            ),
            (["-V"], "-V is an option of hyperfine; here it is forkpool --version."),
            (["-w3", "true"], "-w3 is -w 3 here, in two words."),
            (["-r10", "true"], "-r10 is -n 10 here, in two words."),
        ])
    func spelled(_ arguments: [String], _ sentence: String) throws {
        let run = try bench(arguments)
        #expect(run.code == 64 && run.output.isEmpty && run.errors == "forkpool: \(sentence)\n", "\(run.errors)")
    }

    @Test("names are names: several, those of no program, and any after --name")
    func names() throws {
        for (arguments, names) in [
            (["-N", "head", "-N", "tail", "true", "echo"], ["head", "tail"]), (["-N", "old one", "true"], ["old one"]),
            (["--name", "sleep 0.01", "true"], ["sleep 0.01"]), (["--name=true", "true"], ["true"]),
        ] {
            let run = try bench(["-n", "1"] + arguments)
            #expect(run.code == 0, "\(run.errors)")
            for name in names { #expect("\n\(run.output)".contains("\n\(name)  "), "\(run.output)") }
        }
        // After -- it is a word of the command.
        #expect(try bench(["-n", "1", "--name", "true", "--", "echo", "-N", "x"]).code == 0)
    }

    @Test(
        "two commands never have one name",
        arguments: [
            (["-N", "a", "-N", "a", "true", "echo"], "a"),
            (["-N", "x", "-L", "n=1,1", "echo {n}"], "x (n=1)"),
            (["-N", "reference", "--reference", "true", "echo"], "reference"),
            (["-N", "shell", "--shell=sh", "echo"], "shell"),
        ])
    func twice(_ arguments: [String], _ name: String) throws {
        let run = try bench(["-n", "1"] + arguments)
        #expect(run.code == 64 && run.output.isEmpty)
        #expect(run.errors.contains("there are two commands with the name \(name)."), "\(run.errors)")
    }

    @Test("the letter of a command is no name that another one has")
    func letters() throws {
        let run = try bench(["-n", "1", "-N", "B", "true", "echo", "echo x"])
        #expect(run.code == 0, "\(run.errors)")
        for line in ["B  true", "C  echo", "D  echo x"] {
            #expect("\n\(run.output)".contains("\n\(line)\n"), "\(run.output)")
        }
    }
}
#endif

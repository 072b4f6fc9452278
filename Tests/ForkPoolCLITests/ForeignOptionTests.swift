// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Testing

@testable import ForkPoolCLI

@Suite("Options of parallel, xargs and hyperfine")
struct ForeignOptionTests {
    /// Those of xargs of findutils 4.9.
    private static let xargs = """
        -0 --null -a --arg-file -d --delimiter -E -e --eof -I -i --replace -L -l --max-lines -n --max-args -o
        --open-tty -P --max-procs -p --interactive --process-slot-var -r --no-run-if-empty -s --max-chars
        --show-limits -t --verbose -x --exit --help --version
        """
    /// Those of GNU parallel 20221122, from its manual.
    private static let parallel = """
        -0 -a --arg-file --arg-file-sep --arg-sep --bar --basefile --basenameextensionreplace --basenamereplace --bf
        --bg --bibtex --bin --block --block-size --block-timeout --bner --bnr --bt -C --cat --cf --citation
        --cleanup --color --color-failed --colsep --compress --compress-program --controlmaster --csv --ctag
        --ctagstring -D -d --decompress-program --delay --delimiter --dirnamereplace --dnr --dry-run -E -e --embed
        --env --eof --er --eta --exit --extensionreplace --fg --fifo --files --filter --filter-hosts --gnu --group
        --group-by -h --halt --halt-on-error --hashbang --header --help --hgrp --hostgroups -I -i --id --interactive
        -J -j --jl --joblog --jobs -k --keep-order -L -l --latest-line --lb --limit --line-buffer --link --ll --load
        -M -m --max-args --max-chars --max-line-length-allowed --max-lines --max-procs --max-replace-args --memfree
        --memsuspend --minversion -N -n --nice --no-keep-order --no-run-if-empty --nonall --noswap --null
        --number-of-cores --number-of-cpus --number-of-sockets --number-of-threads -o --onall --open-tty
        --output-as-files --outputasfiles -P -p --parens --pipe --pipe-part --plain --plus --process-slot-var
        --profile --progress -q --quote -r --recend --record-env --recstart --regexp --remove-rec-sep --removerecsep
        --replace --res --results --resume --resume-failed --retries --retry-failed --return --round --round-robin
        --rpl --rrs --rsync-opts -S -s --semaphore --semaphore-name --semaphore-timeout --semaphorename
        --semaphoretimeout --seqreplace --session --shard --shebang --shebang-wrap --shell-completion --shell-quote
        --show-limits --shuf --silent --skip-first-line --slf --slotreplace --spreadstdin --sql --sql-and-worker
        --sql-master --sql-worker --ssh --ssh-delay --sshlogin --sshloginfile --st -t --tag --tagstring --tee
        --template --term-seq --termseq --tf --timeout --tmpdir --tmpl --tmux --tmuxpane --total --total-jobs
        --transfer --transferfile --trc --trim --tty -U -u --ungroup --use-cores-instead-of-threads
        --use-cpus-instead-of-cores --use-sockets-instead-of-threads -V -v --verbose --version --wait --wd
        --will-cite --workdir -X -x --xapply --xargs
        """
    /// Other spellings that it takes, which the page does not list.
    private static let spellings = """
        --blocksize --groupby --linebuffer --max-load --pipepart --roundrobin --sem --shellquote --sqlandworker
        --sqlmaster --sqlworker
        """
    /// Those of hyperfine 1.15 to 1.20.
    private static let hyperfine = """
        -w --warmup -m --min-runs -M --max-runs -r --runs -s --setup --reference --reference-name -p --prepare -C
        --conclude -c --cleanup -P --parameter-scan -D --parameter-step-size -L --parameter-list -S --shell -N -i
        --ignore-failure --style --sort -u --time-unit --export-asciidoc --export-csv --export-json
        --export-markdown --export-orgmode --show-output --output --input -n --command-name -h --help -V --version
        """

    private static func names(_ text: String) -> [String] {
        text.split { $0 == " " || $0 == "\n" }.map(String.init)
    }

    /// The names of the options that the help of a verb lists.
    private func own(_ verb: String) throws -> Set<String> {
        let help = try CommandRun(["help", verb]).output
        return Set(
            help.split(separator: "\n").filter { $0.hasPrefix("  -") }.flatMap { line in
                line.split { $0 == " " || $0 == "," }.filter { $0.hasPrefix("-") }.map(String.init)
            })
    }

    @Test("run has each option of xargs and parallel, or a line about it")
    func run() throws {
        let own = try own("run")
        #expect(own.isSuperset(of: ["-j", "--arg-file", "--memfree", "-h"]))
        for name in Self.names(Self.xargs) + Self.names(Self.parallel + " " + Self.spellings) where !own.contains(name)
        {
            let line = ForeignOptions.refusal(of: name)
            #expect(line.hasPrefix("\(name) is not an option of forkpool run") && line.hasSuffix("."), "\(line)")
            #expect(name.hasPrefix("--") ? ForeignOptions.refusal(of: name + "=1") == line : true)
        }
        // And no line about its own.
        for name in own { #expect(ForeignOptions.refusal(of: name).hasPrefix("unknown option"), "\(name)") }
    }

    @Test("what a line says to use instead is an option of run")
    func counterparts() throws {
        let own = try own("run")
        for name in Self.names(Self.xargs) + Self.names(Self.parallel + " " + Self.spellings) where !own.contains(name)
        {
            let line = ForeignOptions.refusal(of: name)
            guard let use = line.range(of: "; use ") else { continue }
            let words = line[use.upperBound...].split { " ,.".contains($0) }
            for word in words where word.hasPrefix("-") && !word.hasSuffix("-completion-script") && word != "--version"
            {
                #expect(own.contains(String(word)), "\(line)")
            }
        }
    }

    @Test("the page about these tools has each of them")
    func page() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        let page = try String(
            contentsOf: folder.appendingPathComponent("../../Sources/ForkPool/ForkPool.docc/FromTheShell.md"),
            encoding: .utf8)
        let code = Set(page.split(separator: "`", omittingEmptySubsequences: false).map { $0.prefix { $0 != " " } })
        for name in Self.names([Self.xargs, Self.parallel, Self.hyperfine].joined(separator: " ")) {
            #expect(code.contains(Substring(name)), "\(name)")
        }
    }

    @Test("bench has each option of hyperfine, or a line about it")
    func bench() throws {
        let own = try own("bench")
        #expect(own.isSuperset(of: ["-n", "--warmup", "--show-output"]))
        for name in Self.names(Self.hyperfine) where !own.contains(name) {
            #expect(HyperfineOptions.advice(for: ["bench", name, "x"]) != nil, "\(name)")
        }
    }

    @Test(
        "the command prints that line",
        arguments: [
            ["run", "--shuf", "echo", ":::", "a"], ["run", "-j2", "--sqlworker=x", "echo", ":::", "a"],
            ["run", "--tag", "-S", "host", "echo", ":::", "a"], ["run", "--ll", "--tag", "echo"],
            ["bench", "--export-orgmode", "x", "true"],
        ])
    func printed(_ arguments: [String]) throws {
        let run = try CommandRun(arguments)
        #expect(run.code == 64 && run.output.isEmpty)
        #expect(
            run.errors.contains("is not an option of forkpool run:") || run.errors.contains("an option of hyperfine"))
    }
}
#endif

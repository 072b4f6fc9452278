// SPDX-License-Identifier: Apache-2.0
#if Command
/// The options of xargs and GNU parallel that `run` has by another name or not at all, for an error that says what to type.
///
/// An option that both have, such as `-n`, is not here. `HyperfineOptions` is the table of `bench`.
enum ForeignOptions {
    /// The options that have a counterpart: their names, and what it is.
    private static let renamed = [
        ("-P --max-procs", "-j N"),
        ("--group", "--order done"),
        ("-u --ungroup", "--order live"),
        ("--lb --line-buffer --linebuffer", "--order lines"),
        ("--tagstring", "--tag"),
        ("--files --outputasfiles --output-as-files --res", "--results FOLDER"),
        ("--joblog --jl", "--log FILE"),
        ("--resume-failed --retry-failed", "--resume FILE, which also starts failed jobs again"),
        ("--halt --halt-on-error", "--fail-fast soon or --fail-fast now, also soon,3 or now,10%"),
        ("-t -v --verbose", "--dry-run, or --log FILE"),
        ("-p --interactive", "--dry-run, and then the same without it"),
        ("-L -l --max-lines -N --max-replace-args", "-n N"),
        ("-m --xargs", "-X"),
        ("-s --max-chars", "--batch-bytes SIZE"),
        ("-i --replace", "-I TEXT"),
        ("-C", "--colsep TEXT"),
        ("--link --xapply", ":::+ between the lists"),
        ("--shell", "--sh SCRIPT"),
        ("--workdir", "--wd FOLDER"),
        ("--max-load", "--load N"),
        ("--blocksize --block-size", "--block SIZE"),
        ("--spreadstdin", "--pipe"),
        ("--process-slot-var", "{%}, or FORKPOOL_PLACE with --sh"),
        ("--seqreplace", "{#}"),
        ("--slotreplace", "{%}"),
        ("--basenamereplace --bnr", "{/}"),
        ("--dirnamereplace --dnr", "{//}"),
        ("--extensionreplace --er", "{.}"),
        ("--basenameextensionreplace --bner", "{/.}"),
        ("--shell-completion", "forkpool --generate-completion-script bash"),
        ("-V", "forkpool --version"),
        ("--minversion", "forkpool --version"),
        ("--semaphore --sem --semaphore-name --semaphorename --id --fg --bg", "flock of util-linux"),
        ("--number-of-cores --number-of-cpus --number-of-sockets --number-of-threads", "forkpool doctor, or nproc"),
    ]

    /// The options that have none, and why, or what does the same.
    private static let missing = [
        ("-k --keep-order", "outputs are in input order without an option"),
        ("--no-keep-order", "--order done prints outputs as jobs end"),
        ("-r --no-run-if-empty", "without an item there is no job"),
        ("-q --quote --shell-quote --shellquote", "no shell reads the words, and nothing needs quoting"),
        ("-x --exit", "a job that does not fit is an error"),
        ("-d --delimiter", "items are lines; tr DELIMITER '\\0' before it, and -0, divide at another character"),
        ("-E -e --eof", "sed '/^END$/Q' before it ends the items at a line"),
        ("-o --open-tty --tty", "jobs run side by side, and one terminal cannot answer them all"),
        ("--show-limits --max-line-length-allowed", "-X divides what does not fit into one command"),
        ("--ctag --ctagstring --color --color-failed --cf", "--tag marks lines, without colours"),
        ("--latest-line --ll", "--order lines prints lines as they come"),
        ("--bar --eta", "a terminal has a bar without an option, and --progress plain prints lines"),
        ("--total-jobs --total", "the number of items is known once the input ends"),
        ("--silent --gnu --plain --will-cite --bibtex --citation -D", "it is not needed"),
        ("--compress --compress-program --decompress-program", "outputs wait in memory, or in files of --tmpdir"),
        ("--shuf", "shuf before it mixes the items"),
        ("--skip-first-line", "tail -n +2 before it leaves the first line out"),
        ("--trim", "sed before it trims the items"),
        ("--filter --group-by --groupby --bin", "awk before it selects or groups the items"),
        ("--csv", "quoted fields need a parser of CSV before it; --colsep divides plain columns"),
        ("--parens --rpl --plus -U", "--sh has the shell's own ${1%.*} and ${1##*/}"),
        ("--template --tmpl", "--sh has sed for the file"),
        ("--arg-sep --arg-file-sep", "the marks are :::, ::::, :::+ and ::::+"),
        ("--embed --shebang --hashbang --shebang-wrap", "a script has its own #! line and calls forkpool"),
        ("--fifo --cat", "--sh 'cat >file; …' has the input in a file"),
        ("--tee", "--pipe gives each block to one job"),
        ("--round-robin --roundrobin --round", "--pipe gives each block to the next free job"),
        ("--pipe-part --pipepart", "--pipe reads standard input: < FILE"),
        (
            "--recend --recstart --regexp --remove-rec-sep --removerecsep --rrs",
            "records of --pipe are lines, or end by -0"
        ),
        ("--block-timeout --bt", "--pipe waits until a block is whole"),
        ("--memsuspend --noswap --limit", "--memfree and --load hold back the start of jobs"),
        ("--term-seq --termseq", "a job gets SIGTERM, and SIGKILL two seconds later"),
        ("--semaphore-timeout --semaphoretimeout --st --wait", "flock of util-linux has semaphores"),
        ("--tmux --tmuxpane", "jobs have no terminal; --order lines shows what they print"),
        ("--env --record-env", "a job has the environment of forkpool"),
        ("-J --profile --session", "no configuration changes what a command line means"),
        (
            "--sql --sql-master --sqlmaster --sql-worker --sqlworker --sql-and-worker --sqlandworker",
            "--log and --resume keep what was done, and --shard divides jobs among machines"
        ),
        (
            "-S --sshlogin --slf --sshloginfile --ssh --ssh-delay --onall --nonall --controlmaster -M",
            "jobs run on this machine; --shard divides them among machines"
        ),
        (
            "--transfer --transferfile --tf --return --trc --cleanup --basefile --bf --rsync-opts --filter-hosts",
            "jobs run on this machine; --shard divides them among machines"
        ),
        ("--hostgroups --hgrp", "jobs run on this machine; --shard divides them among machines"),
        (
            "--use-cores-instead-of-threads --use-cpus-instead-of-cores --use-sockets-instead-of-threads",
            "-j has the number, such as 50% of the processors"
        ),
        ("--ignore-failure", "after a failure the other jobs run"),
    ]

    /// Says what to type instead of an option that `run` does not have.
    ///
    /// - Parameter word: The word of the command line, which may have a value after = or, if it is short, other options.
    /// - Returns: A sentence.
    static func refusal(of word: String) -> String {
        // In a word with several short options, those that are ours come first.
        let letter = word.dropFirst().first { !"0X".contains($0) } ?? "0"
        let name = word.hasPrefix("--") ? word.prefix { $0 != "=" } : "-\(letter)"
        if let ours = answer(name, in: renamed) { return "\(name) is not an option of forkpool run; use \(ours)." }
        if let reason = answer(name, in: missing) {
            return "\(name) is not an option of forkpool run: \(reason)."
        }
        return "unknown option \(printable(word)); a command whose name begins with - goes after --."
    }

    private static func answer(_ name: Substring, in table: [(names: String, text: String)]) -> String? {
        table.first { $0.names.split(separator: " ").contains(name) }?.text
    }
}
#endif

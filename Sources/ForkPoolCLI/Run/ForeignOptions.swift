// SPDX-License-Identifier: Apache-2.0
#if Command
/// What to type for options of xargs and GNU parallel that are called otherwise here.
enum ForeignOptions {
    /// Their names, and what to use.
    private static let table = [
        ("-P --max-procs", "-j N"),
        ("-k --keep-order", "no option: outputs are in input order"),
        ("--group", "--order done"),
        ("-u --ungroup", "--order live"),
        ("--lb --line-buffer --linebuffer", "--order lines"),
        ("--tagstring --ctag", "--tag"),
        ("--joblog", "--log FILE"),
        ("--resume-failed --retry-failed", "--resume FILE, which also starts failed jobs again"),
        ("--halt --halt-on-error -e --exit", "--fail-fast soon or now, also soon,3 or now,10%"),
        ("-t --verbose", "--dry-run, or --log FILE"),
        ("--bar --eta", "no option: a terminal has a bar; --progress plain prints lines"),
        ("-d --delimiter", "-0, after tr DELIMITER '\\0'"),
        ("-L -l --max-lines -N --max-replace-args", "-n N"),
        ("-m --xargs", "-X"),
        ("-s --max-chars", "--batch-bytes SIZE"),
        ("-i --replace", "-I TEXT"),
        ("-C", "--colsep TEXT"),
        ("--link --xapply", ":::+ between the lists"),
        ("-q --quote", "no option: no shell reads the words"),
        ("-r --no-run-if-empty", "no option: without an item there is no job"),
        ("--shell", "--sh SCRIPT"),
        ("--workdir", "--wd FOLDER"),
        ("--max-load", "--load N"),
        ("--blocksize", "--block SIZE"),
        ("--spreadstdin", "--pipe"),
        ("--semaphore --sem", "flock of util-linux"),
        ("-S --sshlogin", "ssh as the command: jobs run on this machine only"),
        ("-i --ignore-failure", "no option: after a failure the other jobs run"),
    ]

    /// A line about an option that `run` does not have.
    static func refusal(of word: String) -> String {
        let name = word.hasPrefix("--") ? word.prefix { $0 != "=" } : word.prefix(2)
        guard let ours = table.first(where: { $0.0.split(separator: " ").contains(name) })?.1 else {
            return "unknown option \(printable(word)); a command whose name begins with - goes after --."
        }
        return "\(name) is not an option of forkpool run; use \(ours)."
    }
}
#endif

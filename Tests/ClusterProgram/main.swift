// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolCluster
import Glibc

// What scripts/cluster-test starts on one host or several: a command, and options of the form --name=value. Each command
// prints lines of the form `command name=value ...`, from the root unless it says otherwise.
//
//   hello       one line from each rank
//   map         results of 8 bytes, or with --type=string coded ones, with --type=slot slots of 1000 bytes
//   results     every 10th item throws, and the 5th of each ten ends its worker: what each of them fails with
//   failure     item --item throws: each rank prints what the map throws
//   disagree    rank 1 makes another call: --how=count, line, type, leave, throw, exit or build
//   stall       item --item never ends
//   chunk       ranges of --range items that do nothing: the cost of each
//   ideal       sleeps of 5 ms, beside their sum divided by all workers
//   delivery    items that do nothing, or --busy ones, beside the same on the root alone
//
// Options of map, results and failure: --items, --sleep and --busy (us an item), --workers, --deliver=root, --journal, --key,
// --stall=SECONDS, --retries, --log=FILE (each item that begins appends its number), --kill=worker|rank --item=N --rank=R --once=FILE
// (item N on rank R kills that process, unless the file is there, which it makes).

let arguments = Arguments(CommandLine.arguments)
do {
    try Cluster.run(workers: arguments.workers, options: arguments.options, stallTimeout: arguments.stallTimeout) {
        cluster in
        try Program(arguments, cluster).run()
    }
} catch {
    // One line, and a status as of any program: the runtime's trap would be a signal.
    show("\(arguments.command) rank=\(Rank.number) error=\(error)")
    exit(1)
}

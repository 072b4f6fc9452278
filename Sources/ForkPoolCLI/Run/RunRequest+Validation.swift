// SPDX-License-Identifier: Apache-2.0
#if Command
import ArgumentParser

extension RunRequest {
    /// Refuses what cannot be, and what would mean something else than it seems to.
    ///
    /// - Throws: `ValidationError`.
    func validate() throws {
        try CommandLineText.check(before: words.count)
        let line = try line()
        try checkItems(line)
        try checkCommand(line)
        try checkJobs()
        try checkOutputs()
    }

    private func checkItems(_ line: RunArguments) throws {
        if !line.lists.isEmpty, !argFiles.isEmpty {
            throw ValidationError("the items come from --arg-file or from after :::, not from both; :::: takes files.")
        }
        if pipe {
            guard line.lists.isEmpty, argFiles.isEmpty, maxArgs == nil, !fill, colsep == nil, !header, !lines,
                input == nil
            else { throw ValidationError("--pipe gives standard input to the jobs: there are no items then.") }
        } else if block != nil {
            throw ValidationError("--block is for --pipe.")
        }
        if let block, !(1...(1 << 30)).contains(block.bytes) {
            throw ValidationError("--block must be from 1 byte to 1 GiB.")
        }
        if colsep != nil || header {
            guard line.lists.isEmpty, argFiles.count < 2 else {
                throw ValidationError("--colsep and --header are for the lines of standard input or of one file.")
            }
            // The forms of GNU parallel.
            if header, line.command.first == [UInt8(ascii: ":")] {
                throw ValidationError("--header has no value: leave the : out.")
            }
            if let colsep, colsep.hasPrefix("\\") {
                throw ValidationError("--colsep is text, not a regular expression; for a tab, most shells have $'\\t'.")
            }
            if isBatch { throw ValidationError("-n and -X give a job several items, which have no columns then.") }
        }
        if let maxArgs, maxArgs < 1 { throw ValidationError("-n must be at least 1.") }
        if fill, shard != nil {
            throw ValidationError("-X divides the items by -j, so that shards could differ: give -n N with --shard.")
        }
        if maxArgs != nil, fill { throw ValidationError("give either -n or -X.") }
        if !isBatch, batchBytes != nil { throw ValidationError("--batch-bytes is for -n and -X.") }
        if let batchBytes, !(1...(1 << 30)).contains(batchBytes.bytes) {
            throw ValidationError("--batch-bytes must be from 1 to 1GiB.")
        }
        if replacement?.isEmpty == true { throw ValidationError("-I needs a text that stands for the item.") }
    }

    private func checkCommand(_ line: RunArguments) throws {
        if let script {
            if lines { throw ValidationError("with --lines each item is a script; --sh has one for all items.") }
            guard line.command.isEmpty else {
                throw ValidationError("--sh is the command; items go after :::, or come from standard input.")
            }
            if script.utf8.contains(UInt8(ascii: "{")) || replacement != nil { try checkScript(script) }
        } else if lines {
            guard line.command.isEmpty else {
                throw ValidationError("with --lines the items are the commands; there is no other command.")
            }
        } else {
            guard !line.command.isEmpty else {
                throw ValidationError("no command. For example: forkpool run -- gzip {} ::: a.txt b.txt")
            }
            // Most commands have no number, and each page of code that a start does not need makes it faster.
            let hasBrace = line.command.contains { $0.contains(UInt8(ascii: "{")) }
            guard hasBrace || replacement != nil else { return try checkBatch(line) }
            try checkNumbers(CommandTemplate(line.command, reading()), line)
        }
        try checkBatch(line)
    }

    private func checkBatch(_ line: RunArguments) throws {
        if isBatch, max(line.listCount, argFiles.count) > 1 {
            throw ValidationError("-n and -X need one list of items.")
        }
        if isBatch, lines { throw ValidationError("with --lines each job is one line.") }
    }

    /// Refuses numbers that stand for no value, and one that is probably a part of a regular expression.
    private func checkNumbers(_ template: CommandTemplate, _ line: RunArguments) throws {
        if pipe, template.usesItem { throw ValidationError("--pipe has no item; {#} is the number of the job.") }
        guard colsep == nil, !header, replacement == nil else { return }
        let count = max(line.listCount, argFiles.count, maxArgs ?? 1)
        let highest = template.highestValue
        let hint = "; \\{\(highest)} is the text itself."
        if highest > count, isBatch {
            throw ValidationError(
                "{\(highest)} stands for item \(highest) of a job, but a job has \(fill ? "any number" : "only \(count)")\(hint)"
            )
        }
        guard highest <= count else {
            throw ValidationError(
                "{\(highest)} stands for the value of list \(highest), "
                    + "but there \(count < 2 ? "is only 1 list" : "are only \(count) lists")\(hint)")
        }
        if count == 1, !isBatch { try checkSingleNumber(line.command) }
    }

    private func checkJobs() throws {
        if retries < 0 { throw ValidationError("--retries must not be negative.") }
        if retryDelay != nil, retries == 0 { throw ValidationError("--retry-delay is for --retries.") }
        if let memfree, memfree.bytes > FreeMemory.total {
            throw ValidationError(
                "--memfree \(byteSize(memfree.bytes)) could never be reached: there are \(byteSize(FreeMemory.total)) of memory in all."
            )
        }
        if let nice, !(-20...19).contains(nice) { throw ValidationError("--nice must be from -20 to 19, not \(nice).") }
    }

    private func checkOutputs() throws {
        if order == .live, tag || results != nil || maxOutput != nil {
            throw ValidationError(
                "--order live captures nothing, so --tag, --results and --max-output need another order, such as lines."
            )
        }
        for (option, path) in [("--log", log), ("--resume", resume)] {
            guard shard != nil, let path, !path.contains("{shard}") else { continue }
            throw ValidationError(
                "\(option) with --shard needs {shard} in its path, so that no shard overwrites the log of another one.")
        }
        for (option, value) in [("--log", log), ("--resume", resume), ("--results", results)] where value == "-" {
            throw ValidationError("\(option) needs a file of its own, not - (./- is one, /dev/stderr another).")
        }
    }
}
#endif

// SPDX-License-Identifier: Apache-2.0
#if Command
import ArgumentParser

// argument-parser takes longer to prepare itself than `run` takes for a short job. So `run` reads the usual command lines
// itself, and leaves all others to argument-parser: help, mistakes, `-j=2`. `Run` says what the options mean.

extension RunRequest {
    /// Reads a command line without argument-parser; nil if argument-parser is to read it.
    ///
    /// It checks no value; `validate` does.
    ///
    /// - Parameter arguments: The words after `run`.
    init?(quickly arguments: ArraySlice<String>) {
        var rest = arguments
        while let word = rest.first, word != "--", word.utf8.first == UInt8(ascii: "-") {
            rest.removeFirst()
            guard take(word, &rest) else { return nil }
        }
        words = Array(rest)
    }

    /// Takes an option, and its value from `rest` if it has one there; returns false if argument-parser is to read it.
    private mutating func take(_ word: String, _ rest: inout ArraySlice<String>) -> Bool {
        // The value in the same word: --jobs=2, -j2.
        let isLong = word.utf8.starts(with: "--".utf8)
        let end = isLong ? word.firstIndex(of: "=") : word.index(word.startIndex, offsetBy: 2, limitedBy: word.endIndex)
        let name = word[..<(end ?? word.endIndex)]
        let joined = end.map { word[$0...].dropFirst(isLong ? 1 : 0) }.flatMap { isLong || !$0.isEmpty ? $0 : nil }
        switch name {
        case "-0", "--null": null = true
        case "-X": fill = true
        case "--header": header = true
        case "--lines": lines = true
        case "--pipe": pipe = true
        case "--tag": tag = true
        case "--dry-run": dryRun = true
        default:
            guard let value = joined.map(String.init) ?? rest.popFirst(), let first = value.utf8.first,
                first != UInt8(ascii: "-"), first != UInt8(ascii: "=")
            else { return false }
            return set(name, to: value)
        }
        return joined == nil
    }

    /// Sets an option that has a value; returns false if argument-parser is to read it.
    private mutating func set(_ name: Substring, to value: String) -> Bool {
        switch name {
        case "-j", "--jobs": return Self.read(value, into: &jobs)
        case "-a", "--arg-file": argFiles.append(value)
        case "-n", "--max-args": return Self.read(value, into: &maxArgs)
        case "--batch-bytes": return Self.read(value, into: &batchBytes)
        case "--colsep": colsep = value
        case "-I": replacement = value
        case "--block": return Self.read(value, into: &block)
        case "--shard":
            shard = try? ShardArgument(parsing: value)
            return shard != nil
        case "--split":
            guard let split = ItemPart.Split(rawValue: value) else { return false }
            self.split = split
        case "--sh": script = value
        case "--input": input = value
        case "--wd": wd = value
        case "--timeout": return Self.read(value, into: &timeout)
        case "--retries":
            guard let retries = Int(value) else { return false }
            self.retries = retries
        case "--retry-delay": return Self.read(value, into: &retryDelay)
        case "--fail-fast": return Self.read(value, into: &failFast)
        case "--load": return Self.read(value, into: &load)
        case "--memfree": return Self.read(value, into: &memfree)
        case "--delay": return Self.read(value, into: &delay)
        case "--nice": return Self.read(value, into: &nice)
        case "--order":
            guard let order = RunSettings.OutputOrder(rawValue: value) else { return false }
            self.order = order
        case "--log": log = value
        case "--resume": resume = value
        case "--results": results = value
        case "--max-output": return Self.read(value, into: &maxOutput)
        case "--tmpdir": tmpdir = value
        case "--progress":
            guard let progress = RunStatusLine.Mode(rawValue: value) else { return false }
            self.progress = progress
        default: return false
        }
        return true
    }

    /// Reads a value; returns false if it cannot be.
    private static func read<Value: ExpressibleByArgument>(_ text: String, into value: inout Value?) -> Bool {
        value = Value(argument: text)
        return value != nil
    }
}
#endif

// SPDX-License-Identifier: Apache-2.0
#if Command
import ArgumentParser
import ForkPool
import Glibc

extension RunRequest {
    /// Whether a job gets several items.
    var isBatch: Bool { maxArgs != nil || fill }

    /// How the braces of the command are read.
    func reading(_ names: [[UInt8]] = [], appends: Bool = true) -> CommandTemplate.Reading {
        CommandTemplate.Reading(
            replacement: replacement.map { Array($0.utf8) }, names: names, isBatch: isBatch, appends: appends && !pipe)
    }

    /// Opens the source of items, and makes the command.
    ///
    /// - Returns: The command, the source, and the names of the columns.
    /// - Throws: `ValidationError`, or `ExitCode` after a report.
    func prepare(_ line: RunArguments) throws -> (CommandTemplate, any JobSource, names: [[UInt8]]) {
        guard !pipe else {
            let source = RecordSource(descriptor: STDIN_FILENO, separator: separator, block: block?.bytes ?? 1 << 20)
            return (template(line, []), source, [])
        }
        if !line.lists.isEmpty || argFiles.count > 1 {
            let files = RunArguments.List(isLinked: false, isFile: true, words: argFiles.map { Array($0.utf8) })
            let lists = try RunArguments.itemLists(line.lists.isEmpty ? [files] : line.lists) { try read($0) }
            return (template(line, []), ItemSource(lists: lists, batch: batch), [])
        }
        let source = ItemSource(
            descriptor: try open(), separator: separator, columns: columns, batch: batch)
        guard columns != nil else { return (template(line, []), source, []) }
        // The names are needed before the first job, and how the lines end.
        while true {
            if let values = source.nextValues {
                try checkLineEnd(values)
                guard header, let names = source.takeHeader() else { return (template(line, []), source, []) }
                try checkNames(names, line.command)
                return (template(line, names), source, names)
            }
            if source.isWhole { return (template(line, []), source, []) }
            do { try source.read() } catch { throw Self.refused(itemsName, error.code) }
        }
    }

    private var separator: UInt8 { null ? 0 : UInt8(ascii: "\n") }

    private var columns: ColumnSeparator? {
        if let colsep { return ColumnSeparator(text: colsep.isEmpty ? nil : Array(colsep.utf8)) }
        return header ? ColumnSeparator(text: [UInt8(ascii: "\t")]) : nil
    }

    private var batch: ItemBatch? {
        guard isBatch else { return nil }
        let number = fill ? jobs?.number(processors: ForkPool.availableProcessors, items: 1) : 1
        return ItemBatch(
            count: maxArgs, bytes: batchBytes?.bytes ?? ItemBatch.defaultBytes,
            jobs: number ?? ForkPool.availableProcessors)
    }

    private func template(_ line: RunArguments, _ names: [[UInt8]]) -> CommandTemplate {
        let shell = ["sh", "-c"].map { Array($0.utf8) }
        var reading = reading(names)
        reading.isLiteral = script != nil || lines
        if let script { return CommandTemplate(shell + [Array(script.utf8), shell[0]], reading) }
        return CommandTemplate(lines ? shell : line.command, reading)
    }

    /// Opens what the items are read from: a file, or standard input.
    private func open() throws -> Int32 {
        guard let name = argFiles.first, name != "-" else {
            if isatty(STDIN_FILENO) == 1 {
                StandardError.report("reading items from the terminal, one per line; Ctrl-D ends the input")
            }
            return STDIN_FILENO
        }
        let file = unsafe Glibc.open(name, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw Self.refused(itemsName, errno) }
        return file
    }

    /// Reads all items of a file.
    private func read(_ name: [UInt8]) throws -> [[UInt8]] {
        let isInput = name == [UInt8(ascii: "-")]
        let shown = isInput ? "standard input" : printable(String(decoding: name, as: UTF8.self))
        let file = isInput ? STDIN_FILENO : openFile(name)
        guard file >= 0 else { throw Self.refused(shown, errno) }
        defer { if !isInput { close(file) } }
        let source = ItemSource(descriptor: file, separator: separator)
        var items: [[UInt8]] = []
        while true {
            while let item = source.take() { items += item }
            if source.isWhole { return items }
            do { try source.read() } catch { throw Self.refused(shown, error.code) }
        }
    }

    /// The source of items, as messages name it.
    var itemsName: String {
        guard let name = argFiles.first, name != "-" else { return "standard input" }
        return name.isEmpty ? "\"\"" : name
    }

    private static func refused(_ name: String, _ code: Int32) -> ExitCode {
        StandardError.report("\(name): cannot be read: \(systemMessage(code))")
        return ExitCode(Exit.noInput)
    }
}

/// Opens a file to read whose name is bytes (`open`); returns a descriptor, or -1 with `errno`.
///
/// A pipe with a name waits for its writer until a signal ends the run.
func openFile(_ name: [UInt8]) -> Int32 {
    unsafe (name + [0]).withUnsafeBytes { bytes in
        while true {
            let file = unsafe Glibc.open(bytes.assumingMemoryBound(to: CChar.self).baseAddress!, O_RDONLY | O_CLOEXEC)
            guard file < 0, errno == EINTR, RunSignals.endingSignal == nil else { return file }
        }
    }
}
#endif

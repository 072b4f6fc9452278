// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// The journal of one map: a file with the results that there are, from which the same map goes on if it is run again.
///
/// The thread that makes the map opens it and ends it. Meanwhile a thread of its own appends results, so that a slow disk
/// holds up neither the workers nor those that watch them.
@safe final class Journal: @unchecked Sendable {
    /// How often results are appended, at most, in nanoseconds.
    private static let period: Int64 = 100_000_000

    private let request: JournalRequest
    private let header: JournalHeader
    /// The bytes of coded results that the file had, where the owner of the journal keeps them here.
    var restored: GrowingBytes?
    // One thread at a time has what follows: the one that appends while the map runs, then the one that ends the journal.

    /// The file, which is closed with it, and its lock gone.
    private var writer: JournalWriter?
    /// For each item, whether its result is in the file.
    private var isRecorded: [Bool]
    /// The number of items, from the first one on, that are all recorded.
    private var recordedPrefix = 0
    /// The items that the writer has collected.
    private var collected: [Range<Int>] = []
    private var failure: ForkPool.Failure?
    private var isGivenUp = false
    private let isOver = PrivateEvent()
    private var appender: PrivateEvent?

    /// Opens or makes a journal, locks it, and calls `place` with each result that it has: with those of neighbours, or with
    /// one where they are coded.
    ///
    /// What was torn behind the last whole record is cut off.
    ///
    /// - Throws: `journalFailed`.
    init(
        _ request: JournalRequest, of kind: ResultKind, stride: Int,
        _ place: (_ items: Range<Int>, _ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Void
    ) throws(ForkPool.Failure) {
        self.request = request
        header = request.header(of: kind, stride: stride)
        if let text = header.longText { throw .journalTextTooLong(request.path, text) }
        let file = try Self.open(request, header)
        do throws(JournalReader.Refusal) {
            var reader = try JournalReader(file)
            if let difference = reader.header.difference(from: header) { throw .other(difference) }
            var recorded = Array(repeating: false, count: header.part.count)
            unsafe try reader.results { items, bytes throws(SystemError) in
                unsafe try place(items, bytes)
                for item in items { recorded[item] = true }
            }
            isRecorded = recorded
            try reader.cutTail()
            writer = JournalWriter(file, end: reader.end)
        } catch {
            throw .journal(request.path, error)
        }
        skipRecorded()
    }

    /// Opens and locks the file of a journal, to write to it or, for a merge, to read it.
    static func open(_ path: String, writes: Bool) throws(ForkPool.Failure) -> OwnedFile {
        do throws(FileLocks.Refusal) {
            return try FileLocks.open(path, writes: writes)
        } catch {
            throw .journal(path, error, merges: !writes)
        }
    }

    /// Opens the file for a map; it begins with a header then.
    private static func open(_ request: JournalRequest, _ header: JournalHeader) throws(ForkPool.Failure) -> OwnedFile {
        let file = try open(request.path, writes: true)
        do throws(SystemError) {
            let beginning = header.encoded()
            let bytes = try file.bytes(at: 0, beginning.count)
            // A file with a part of the beginning is of a process that was killed at once.
            guard bytes.count < beginning.count, beginning.starts(with: bytes) else { return file }
            try file.write(beginning, at: 0)
            if request.sync != .none {
                try file.synchronize()
                try file.synchronizeFolder()
            }
            return file
        } catch {
            throw .journal(request.path, error)
        }
    }

    /// Whether every item has its result already.
    var isComplete: Bool { recordedPrefix == isRecorded.count }

    private func skipRecorded() {
        recordedPrefix = isRecorded[recordedPrefix...].firstIndex(of: false) ?? isRecorded.count
    }

    // MARK: - While the map runs

    /// Starts to append the results of a batch, until `end`.
    ///
    /// Where the system refuses a thread all is appended at the end.
    func begin(_ results: ResultMemory) {
        let appender = PrivateEvent()
        do throws(SystemError) {
            try ThreadWork.start {
                while !self.isOver.wait(Self.period) { self.append(results) }
            } then: {
                appender.signal()
            }
            self.appender = appender
        } catch {
            self.appender = nil
        }
    }

    /// Appends what is left, and ends the thread.
    func end(_ results: ResultMemory) {
        isOver.signal()
        appender?.wait()
        append(results)
        do throws(JournalWriter.Refusal) {
            if request.sync == .end { try writer?.synchronize() }
        } catch {
            fail(error)
        }
        writer = nil
    }

    /// Appends each result that is there and not in the file yet.
    ///
    /// - Complexity: O(items) behind the first one that is not in the file, eight of them at a time where nothing is new.
    private func append(_ results: ResultMemory) {
        guard !isGivenUp else { return }
        do throws(JournalWriter.Refusal) {
            let start = recordedPrefix
            var item = start
            while let range = nextRange(from: item, results) {
                let end = collect(range, results)
                collected.append(range.lowerBound..<end)
                if writer?.isFull == true { try flush() }
                item = end
            }
            try flush()
            if request.sync == .each, item > start { try writer?.synchronize() }
        } catch {
            fail(error)
        }
    }

    /// The next items, from one on, that have results which are not in the file.
    private func nextRange(from start: Int, _ results: ResultMemory) -> Range<Int>? {
        let range = unsafe isRecorded.withUnsafeBytes { recorded in
            unsafe NewItems(states: UnsafeRawPointer(results.states), recorded: recorded).next(from: start)
        }
        // What was written before a state is read after it.
        atomicMemoryFence(ordering: .acquiring)
        return range
    }

    /// Collects a record of the first items of a range; returns where the next one begins.
    private func collect(_ range: Range<Int>, _ results: ResultMemory) -> Int {
        guard header.isCoded else {
            let most = max(1, JournalWriter.recordSize / max(header.stride, 1))
            let items = range.prefix(most)
            writer?.collect(items) { buffer in
                unsafe buffer.append(
                    contentsOf: UnsafeRawBufferPointer(
                        start: results.slots + items.lowerBound * header.stride, count: items.count * header.stride))
            }
            return items.upperBound
        }
        var lengths: [Int] = []
        var bytes: [UInt8] = []
        for item in range {
            guard bytes.count < JournalWriter.recordSize, let coded = unsafe results.codedBytes(of: item) else { break }
            lengths.append(coded.count)
            unsafe bytes.append(contentsOf: coded)
        }
        let items = range.prefix(lengths.count)
        // An item whose bytes cannot be had is the map's failure, and is passed over.
        guard !items.isEmpty else { return range.lowerBound + 1 }
        writer?.collect(items) { buffer in
            for length in lengths { buffer.append(little: UInt64(length)) }
            buffer += bytes
        }
        return items.upperBound
    }

    private func flush() throws(JournalWriter.Refusal) {
        defer { collected.removeAll() }
        try writer?.flush()
        for range in collected { for item in range { isRecorded[item] = true } }
        skipRecorded()
    }

    /// Tells of the first failure; the map goes on, and what a full disk refused is tried again.
    private func fail(_ refusal: JournalWriter.Refusal) {
        let isFirst = failure == nil
        switch refusal {
        case .system(let error):
            failure = .journal(request.path, error)
        case .changed(let size):
            failure = .journalChanged(request.path, size: size, expected: writer?.end ?? 0)
            // What comes after bytes that are not this process's could not be read.
            isGivenUp = true
        case .deleted:
            failure = .journalDeleted(request.path)
            isGivenUp = true
        }
        if isFirst, let failure { request.tell(failure) }
    }
}

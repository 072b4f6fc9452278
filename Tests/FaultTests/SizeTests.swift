import ForkPool
import Glibc
import Testing

@Suite struct SizeTests {
    @Test("A9: a worker that dies while it fills 64 MiB in place leaves no torn value")
    func halfFilled() async {
        await #expect(processExitsWith: .success) { SizeScenes.halfFilled() }
    }

    @Test("A9: a worker that dies while it encodes 64 MiB leaves no torn value")
    func halfEncoded() async {
        await #expect(processExitsWith: .success) { SizeScenes.halfEncoded() }
    }

    @Test(
        "B7: a result of 2.5 GiB is exact",
        .enabled(if: Files.availableMemory >= 8 << 30, "less than 8 GiB of memory is available"))
    func huge() async {
        await #expect(processExitsWith: .success) { SizeScenes.huge() }
    }

    @Test("B7: results of 0 bytes are exact")
    func empty() async {
        await #expect(processExitsWith: .success) { SizeScenes.empty() }
    }

    @Test("B7: 10 000 results of 0 to 1 MiB are exact")
    func manySizes() async {
        await #expect(processExitsWith: .success) { SizeScenes.manySizes() }
    }
}

/// Bytes whose encoding dies between its two halves, if it is to.
struct Halves: Codable {
    let first: [UInt8]
    let second: [UInt8]
    let dies: Bool

    init(number: UInt8, dies: Bool) {
        first = [UInt8](repeating: number, count: 32 << 20)
        second = first
        self.dies = dies
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.unkeyedContainer()
        try container.encode(first)
        if dies { Process.killSelf() }
        try container.encode(second)
    }

    init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        first = try container.decode([UInt8].self)
        second = try container.decode([UInt8].self)
        dies = false
    }

    func isAll(_ number: UInt8) -> Bool {
        [first, second].allSatisfy { $0.count == 32 << 20 && $0.isAll(number) }
    }
}

extension [UInt8] {
    /// Whether each byte is `number`; quick in a debug build too.
    func isAll(_ number: UInt8) -> Bool {
        guard let first, first == number else { return isEmpty }
        // Each byte is like the one before it.
        return unsafe withUnsafeBytes { unsafe memcmp($0.baseAddress!, $0.baseAddress! + 1, $0.count - 1) } == 0
    }
}

private enum SizeScenes {
    static func halfFilled() {
        Scene.survive(options: .init(chunk: .fixed(1))) { pool throws in
            let half = 32 << 20
            func fill(_ number: UInt8, dying: Int?) throws(ForkPool.Failure) -> SharedArray<UInt8> {
                try pool.fill(count: 3, slot: 64 << 20, of: UInt8.self) { slot, out in
                    unsafe out.withUnsafeMutableBytes { bytes in
                        _ = unsafe memset(bytes.baseAddress!, Int32(number), half)
                        if slot == dying { Process.killSelf() }
                        _ = unsafe memset(bytes.baseAddress! + half, Int32(number), half)
                    }
                }
            }
            let thrown = failure { () throws(ForkPool.Failure) in try fill(1, dying: 1) }
            #expect(thrown?.index == 1)
            #expect(thrown?.signal == SIGKILL)
            // The memory that was half written is used again.
            let filled = try fill(2, dying: nil)
            #expect(filled.count == 192 << 20)
            let isTwo = filled.withSpan { span in
                unsafe span.withUnsafeBytes { bytes in
                    unsafe bytes[0] == 2 && memcmp(bytes.baseAddress!, bytes.baseAddress! + 1, bytes.count - 1) == 0
                }
            }
            #expect(isTwo)
        }
    }

    static func halfEncoded() {
        Scene.survive(options: .init(chunk: .fixed(1))) { pool throws in
            let results = pool.mapResults(0..<4) { item in Halves(number: UInt8(item), dies: item == 1) }
            #expect(results[1].failure?.signal == SIGKILL)
            #expect(results[1].failure?.index == 1)
            for item in [0, 2, 3] { #expect(results[item].value?.isAll(UInt8(item)) == true) }
        }
    }

    static func huge() {
        Scene.survive { pool throws in
            let blocks = 2560
            let results = try pool.map(0..<2) { item -> [UInt8] in
                guard item == 0 else { return [1, 2, 3] }
                return unsafe [UInt8](unsafeUninitializedCapacity: blocks << 20) { buffer, count in
                    for block in 0..<blocks {
                        _ = unsafe memset(buffer.baseAddress! + (block << 20), Int32(block % 251), 1 << 20)
                    }
                    count = blocks << 20
                }
            }
            #expect(results[1] == [1, 2, 3])
            #expect(results[0].count == 2_684_354_560)
            let wrong = unsafe results[0].withUnsafeBytes { bytes in
                let mebibyte = 1 << 20
                return (0..<blocks).first { block in
                    let start = unsafe bytes.baseAddress! + block * mebibyte
                    return unsafe bytes[block * mebibyte] != block % 251 || memcmp(start, start + 1, mebibyte - 1) != 0
                }
            }
            #expect(wrong == nil)
        }
    }

    static func empty() {
        Scene.survive { pool throws in
            #expect(try pool.map(0..<5) { _ in [UInt8]() } == [[], [], [], [], []])
            #expect(try pool.map(0..<3) { _ in "" } == ["", "", ""])
            #expect(try pool.map(0..<7) { _ in () }.count == 7)
            #expect(try pool.fill(count: 4, slot: 0, of: Int.self) { _, out in out = MutableSpan() }.isEmpty)
        }
    }

    static func manySizes() {
        Scene.survive { pool throws in
            // 640 MiB in all: few are large.
            let size: (Int) -> Int = { item in item == 5000 ? 1 << 20 : ((item % 1024) << 10) >> (item % 16) }
            let results = try pool.map(0..<10_000) { item in
                [UInt8](repeating: UInt8(truncatingIfNeeded: item), count: size(item))
            }
            #expect(results.count == 10_000)
            let wrong = results.indices.first { item in
                results[item].count != size(item) || !results[item].isAll(UInt8(truncatingIfNeeded: item))
            }
            #expect(wrong == nil)
        }
    }
}

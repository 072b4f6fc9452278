// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

@Suite struct SizeTests {
    // Only a one-shot pool has `fill`.
    @Test("A9: a worker that dies while it fills 64 MiB in place leaves no torn value")
    func halfFilled() async {
        await #expect(processExitsWith: .success) { SizeScenes.halfFilled() }
    }

    @Test("A9: a worker that dies while it encodes 64 MiB leaves no torn value", arguments: Kind.allCases)
    func halfEncoded(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in SizeScenes.halfEncoded(kind) }
    }

    @Test(
        "B7: a result of 2.5 GiB is exact",
        .enabled(if: Files.availableMemory >= 8 << 30, "less than 8 GiB of memory is available"),
        // Some seconds each, and 12 GiB. All resident pools share one memory layout, so one of them is enough.
        arguments: Files.availableMemory >= 12 << 30 ? [Kind.oneShot, .exec] : [.oneShot])
    func gibibytes(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in SizeScenes.gibibytes(kind) }
    }

    // A one-shot map inherits its inputs.
    @Test("B7: an input and a result of 300 MiB are exact", arguments: Kind.resident)
    func huge(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in SizeScenes.huge(kind) }
    }

    @Test("B7: inputs and results of 0 bytes are exact", arguments: Kind.allCases)
    func empty(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            SizeScenes.empty(kind)
            if kind == .oneShot { SizeScenes.emptyOfMap() }
        }
    }

    @Test("B7: 10 000 results, and 3000 inputs, of 0 to 1 MiB are exact", arguments: Kind.allCases)
    func manySizes(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            SizeScenes.manyResults(kind)
            if kind != .oneShot { SizeScenes.manyInputs(kind) }
        }
    }

    // A one-shot map has a single batch.
    @Test("B7: 300 calls of up to 1 MiB free their memory", arguments: Kind.resident)
    func sizesAgain(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in SizeScenes.sizesAgain(kind) }
    }
}

/// Bytes that, if asked, kill their process halfway through their encoding.
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
        // Each byte equals the one before it.
        return unsafe withUnsafeBytes { unsafe memcmp($0.baseAddress!, $0.baseAddress! + 1, $0.count - 1) } == 0
    }
}

/// Makes results of which one kills its worker while it is encoded.
struct Halving: PlainJob {
    typealias Input = Int
    typealias Output = Halves

    let dying: Int

    func act(_ number: Int) throws -> Halves { Halves(number: UInt8(number), dies: number == dying) }
}

/// Returns that many mebibytes, each filled with its number.
struct Blocks: PlainJob {
    typealias Input = Int
    typealias Output = [UInt8]

    func act(_ count: Int) throws -> [UInt8] { Self.make(count) }

    static func make(_ blocks: Int) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: blocks << 20) { buffer, count in
            for block in 0..<blocks {
                _ = unsafe memset(buffer.baseAddress! + (block << 20), Int32(block % 251), 1 << 20)
            }
            count = blocks << 20
        }
    }

    static func areRight(_ bytes: [UInt8]) -> Bool {
        unsafe bytes.withUnsafeBytes { bytes in
            let mebibyte = 1 << 20
            return (0..<bytes.count / mebibyte).allSatisfy { block in
                let start = unsafe bytes.baseAddress! + block * mebibyte
                return unsafe bytes[block * mebibyte] == block % 251 && memcmp(start, start + 1, mebibyte - 1) == 0
            }
        }
    }

    static func answersRight(_ pool: AnyPool<Blocks>) throws {
        #expect(try pool.map([1, 0]).map(\.count) == [1 << 20, 0])
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
            // The half written memory is used again.
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

    static func halfEncoded(_ kind: Kind) {
        let answers: (AnyPool<Halving>) throws -> Void = { pool throws in #expect(try pool(7).isAll(7)) }
        Scene.survive(Halving(dying: 1), kind, options: .init(chunk: .fixed(1)), answers) { pool throws in
            let results = pool.mapResults(0..<4)
            #expect(results[1].failure?.signal == SIGKILL)
            #expect(results[1].failure?.index == 1)
            for item in [0, 2, 3] { #expect(results[item].value?.isAll(UInt8(item)) == true) }
        }
    }

    static func gibibytes(_ kind: Kind) {
        Scene.survive(Blocks(), kind, Blocks.answersRight) { pool throws in
            let results = try pool.map([2560, 1])
            #expect(results.map(\.count) == [2_684_354_560, 1 << 20])
            #expect(Blocks.areRight(results[0]))
        }
    }

    static func huge(_ kind: Kind) {
        kind.echo([UInt8].self) { pool throws in
            let crossed = try pool(Blocks.make(300))
            #expect(crossed.count == 314_572_800)
            #expect(Blocks.areRight(crossed))
            #expect(try pool([1, 2, 3]) == [1, 2, 3])
        }
    }

    static func empty(_ kind: Kind) {
        kind.echo([UInt8].self) { pool throws in
            #expect(try pool.map([[], [], [1], []]) == [[], [], [1], []])
            #expect(try pool.map([]) == [])
            #expect(pool.mapResults([]).isEmpty)
            try pool.forEach([])
            #expect(try pool([]) == [])
        }
        kind.echo(String.self) { pool throws in #expect(try pool.map(["", "", "a"]) == ["", "", "a"]) }
    }

    static func emptyOfMap() {
        Scene.survive { pool throws in
            #expect(try pool.map(0..<7) { _ in () }.count == 7)
            #expect(try pool.fill(count: 4, slot: 0, of: Int.self) { _, out in out = MutableSpan() }.isEmpty)
        }
    }

    /// Some 640 MiB in 10 000: few are large.
    private static func size(_ item: Int) -> Int { item == 1500 ? 1 << 20 : ((item % 1024) << 10) >> (item % 16) }

    static func manyResults(_ kind: Kind) {
        Scene.survive(Filling(), kind, Filling.answersRight) { pool throws in
            let results = try pool.map((0..<10_000).map { [$0, size($0)] })
            #expect(results.map(\.count) == (0..<10_000).map(size))
            let wrong = results.indices.first { !results[$0].isAll(UInt8(truncatingIfNeeded: $0)) }
            #expect(wrong == nil)
        }
    }

    static func manyInputs(_ kind: Kind) {
        kind.echo([UInt8].self) { pool throws in
            let inputs = (0..<3000).map { [UInt8](repeating: UInt8(truncatingIfNeeded: $0), count: size($0)) }
            let results = try pool.map(inputs)
            #expect(results.count == 3000)
            let wrong = results.indices.first { item in
                results[item].count != size(item) || !results[item].isAll(UInt8(truncatingIfNeeded: item))
            }
            #expect(wrong == nil)
        }
    }

    static func sizesAgain(_ kind: Kind) {
        Scene.survive(Filling(), kind, options: .init(warmMemory: 1 << 20), nil) { pool throws in
            var kept: [ForkPool.Call<[UInt8]>] = []
            for number in 0..<300 {
                let size = (number * 7919) % (1 << 20)
                let call = pool.submit([number, size])
                let result = try call.wait()
                #expect(result.count == size && result.isAll(UInt8(truncatingIfNeeded: number)))
                // Some results stay in use while others come and go.
                if number % 10 == 0 { kept.append(call) }
                if number % 50 == 49 { kept.removeFirst(3) }
            }
            #expect(try kept.last?.wait().count == (290 * 7919) % (1 << 20))
        }
    }
}

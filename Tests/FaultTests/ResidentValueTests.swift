import ForkPool
import Glibc
import Testing

@Suite struct ResidentValueTests {
    @Test("A9: a resident worker that dies while it encodes 64 MiB leaves no torn value", arguments: Way.allCases)
    func halfEncoded(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentValueScenes.halfEncoded(way) }
    }

    @Test("B7: an input and a result of 300 MiB are exact", arguments: Way.allCases)
    func huge(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentValueScenes.huge(way) }
    }

    @Test("B7: inputs and results of 0 bytes are exact", arguments: Way.allCases)
    func empty(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentValueScenes.empty(way) }
    }

    @Test("B7: 3000 inputs and results of 0 to 1 MiB are exact", arguments: Way.allCases)
    func manySizes(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentValueScenes.manySizes(way) }
    }

    @Test("B7: 300 calls of up to 1 MiB give back what they no longer need", arguments: Way.allCases)
    func sizesAgain(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentValueScenes.sizesAgain(way) }
    }

    @Test("B8: numbers cross bit for bit both ways, stored and coded", arguments: Way.allCases)
    func numbers(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentValueScenes.numbers(way) }
    }

    @Test("B8: bit patterns of every size cross both ways without being coded")
    func bitPatterns() async {
        await #expect(processExitsWith: .success) { ResidentValueScenes.bitPatterns() }
    }

    @Test("B8: strings of every kind cross byte for byte both ways", arguments: Way.allCases)
    func strings(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentValueScenes.strings(way) }
    }

    @Test(
        "B8: nested optionals, enums with payloads, dictionaries and classes cross both ways", arguments: Way.allCases)
    func shapes(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentValueScenes.shapes(way) }
    }
}

/// Gives its input back.
struct Echo<Value: Codable & Sendable>: PlainJob {
    typealias Input = Value
    typealias Output = Value

    func act(_ value: Value) throws -> Value { value }
}

/// Makes halves, of which one dies while it is encoded.
struct Halving: PlainJob {
    typealias Input = Int
    typealias Output = Halves

    let dying: Int

    func act(_ number: Int) throws -> Halves { Halves(number: UInt8(number), dies: number == dying) }
}

/// Makes so many bytes.
struct Filling: PlainJob {
    typealias Input = [Int]
    typealias Output = [UInt8]

    func act(_ order: [Int]) throws -> [UInt8] {
        [UInt8](repeating: UInt8(truncatingIfNeeded: order[0]), count: order[1])
    }
}

extension Derived: @unchecked Sendable {}

private enum ResidentValueScenes {
    /// Runs `work` with a pool that gives back what it gets; then nothing is left.
    private static func echo<Value: Codable & Sendable>(
        _ way: Way, _ type: Value.Type, _ work: (ForkPool.Resident<Value, Value>) throws -> Void
    ) {
        ResidentScene.survive(Echo<Value>(), way, { _ in }, work)
    }

    static func halfEncoded(_ way: Way) {
        let works: (ForkPool.Resident<Int, Halves>) throws(ForkPool.Failure) -> Void = {
            (pool) throws(ForkPool.Failure) in
            #expect(try pool(7).isAll(7))
        }
        ResidentScene.survive(Halving(dying: 1), way, options: .init(chunk: .fixed(1)), works) {
            pool throws in
            let results = pool.mapResults(0..<4)
            #expect(results[1].failure?.signal == SIGKILL)
            #expect(results[1].failure?.index == 1)
            for item in [0, 2, 3] { #expect(results[item].value?.isAll(UInt8(item)) == true) }
        }
    }

    static func huge(_ way: Way) {
        echo(way, [UInt8].self) { pool throws in
            let size = 300 << 20
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
                for block in 0..<300 {
                    _ = unsafe memset(buffer.baseAddress! + block << 20, Int32(block % 251), 1 << 20)
                }
                count = size
            }
            let crossed = try pool(bytes)
            #expect(crossed.count == 314_572_800)
            let isSame = unsafe crossed.withUnsafeBytes { crossed in
                unsafe bytes.withUnsafeBytes { unsafe memcmp(crossed.baseAddress!, $0.baseAddress!, size) == 0 }
            }
            #expect(isSame)
            #expect(try pool([1, 2, 3]) == [1, 2, 3])
        }
    }

    static func empty(_ way: Way) {
        echo(way, [UInt8].self) { pool throws in
            #expect(try pool.map([[], [], [1], []]) == [[], [], [1], []])
            #expect(try pool.map([]) == [])
            #expect(pool.mapResults([]).isEmpty)
            try pool.forEach([])
            #expect(try pool([]) == [])
        }
        echo(way, String.self) { pool throws in #expect(try pool.map(["", "", "a"]) == ["", "", "a"]) }
    }

    private static func size(_ item: Int) -> Int { item == 1500 ? 1 << 20 : ((item % 1024) << 10) >> (item % 16) }

    static func manySizes(_ way: Way) {
        echo(way, [UInt8].self) { pool throws in
            let inputs = (0..<3000).map { [UInt8](repeating: UInt8(truncatingIfNeeded: $0), count: size($0)) }
            let results = try pool.map(inputs)
            #expect(results.count == 3000)
            let wrong = results.indices.first { item in
                results[item].count != size(item) || !results[item].isAll(UInt8(truncatingIfNeeded: item))
            }
            #expect(wrong == nil)
        }
    }

    static func sizesAgain(_ way: Way) {
        ResidentScene.survive(Filling(), way, options: .init(warmMemory: 1 << 20), { _ in }) {
            pool throws in
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

    static func numbers(_ way: Way) {
        let numbers: [Double] = [
            .nan, .signalingNaN, Double(nan: 0x5_1234, signaling: false), -.nan, -0.0, 0, .infinity, -.infinity,
            .leastNonzeroMagnitude, -.greatestFiniteMagnitude,
        ]
        let bits = numbers.map(\.bitPattern)
        echo(way, Double.self) { pool throws in #expect(try pool.map(numbers).map(\.bitPattern) == bits) }
        echo(way, [Double].self) { pool throws in #expect(try pool(numbers).map(\.bitPattern) == bits) }
        echo(way, [String: Double?].self) { pool throws in
            let crossed = try pool.map(numbers.map { ["n": $0] })
            #expect(crossed.map { $0["n"]??.bitPattern } == bits)
        }
    }

    static func bitPatterns() {
        Scene.setDeadline()
        do {
            let wide = try ForkPool(workers: 2).resident { (pair: (UInt8, Double)) in (pair.1, pair.0, true) }
            let crossed = try wide.map([(1, -0.0), (255, .infinity)])
            #expect(crossed.map { $0.0.bitPattern } == [0x8000_0000_0000_0000, 0x7FF0_0000_0000_0000])
            #expect(crossed.map(\.1) == [1, 255])
            let small = try ForkPool(workers: 2).resident { (byte: UInt8) in byte &+ 1 }
            #expect(try small.map((0..<1000).map { UInt8(truncatingIfNeeded: $0) }).last == 232)
            let nothing = try ForkPool(workers: 2).resident { (_: Int) in () }
            #expect(try nothing.map(0..<7).count == 7)
            let mixed = try ForkPool(workers: 2).resident { (number: Int) in "item \(number)" }
            #expect(try mixed.map(0..<4) == Scene.words)
            let counted = try ForkPool(workers: 2).resident { (text: String) in text.utf8.count }
            #expect(try counted.map(["", "a", "é"]) == [0, 1, 2])
            #expect(try small.withMapped([1, 2, 3]) { $0[2] } == 4)
        } catch {
            Issue.record(error)
        }
    }

    static func strings(_ way: Way) {
        let strings = [
            "", "a", "\0", "e\u{301}", "\u{e9}", "👩‍👩‍👧‍👦🏳️‍🌈", "\u{10FFFF}", "日本語", "\u{202E}right to left", "\r\n\u{2028}",
            String(repeating: "long ", count: 10_000),
        ]
        let bytes = strings.map { Array($0.utf8) }
        echo(way, String.self) { pool throws in #expect(try pool.map(strings).map { Array($0.utf8) } == bytes) }
        echo(way, [String: String].self) { pool throws in
            #expect(try pool.map(strings.map { [$0: $0] }).map { Array($0.keys.first!.utf8) } == bytes)
        }
    }

    static func shapes(_ way: Way) {
        let values = [
            Mixed(nested: .none, tree: .nothing, shades: [:]),
            Mixed(nested: .some(.none), tree: .leaf(-1), shades: [.light: []]),
            Mixed(nested: .some(.some(.none)), tree: .two(.leaf(1), .nothing), shades: [.dark: [nil]]),
            Mixed(nested: 5, tree: .two(.nothing, .leaf(.min)), shades: [.light: [1, nil], .dark: [2]]),
        ]
        echo(way, Mixed.self) { pool throws in #expect(try pool.map(values) == values) }
        echo(way, Derived.self) { pool throws in
            let derived = try pool.map((0..<3).map { Derived(name: "name \($0)", number: $0) })
            #expect(derived.map(\.number) == [0, 1, 2])
            #expect(derived.map(\.name) == ["name 0", "name 1", "name 2"])
        }
    }
}

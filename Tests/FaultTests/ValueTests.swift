// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Foundation
import Testing

@Suite struct ValueTests {
    @Test(
        "B8: NaN, -0.0, infinities and subnormal numbers cross bit for bit, stored and coded", arguments: Kind.allCases)
    func numbers(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in ValueScenes.numbers(kind) }
    }

    @Test("B8: strings of every kind cross byte for byte", arguments: Kind.allCases)
    func strings(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in ValueScenes.strings(kind) }
    }

    @Test(
        "B8: nested optionals, enums with payloads, dictionaries keyed by enums and classes with superEncoder cross",
        arguments: Kind.allCases)
    func shapes(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in ValueScenes.shapes(kind) }
    }

    @Test(
        "B8: types of Foundation cross, and data of every length also in structs, arrays, dictionaries and enums",
        arguments: Kind.allCases)
    func foundation(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in ValueScenes.foundation(kind) }
    }

    // A job's values are coded; a one-shot map inherits its inputs.
    @Test("B8: bit patterns of every size cross both ways without being coded", arguments: [Kind.residentBody])
    func bitPatterns(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { ValueScenes.bitPatterns() }
    }
}

enum Shade: String, Codable, CodingKeyRepresentable, Sendable {
    case light
    case dark
}

indirect enum Tree: Codable, Equatable, Sendable {
    case leaf(Int)
    case two(Tree, Tree)
    case nothing
}

struct Mixed: Codable, Equatable, Sendable {
    var nested: Int???
    var tree: Tree
    var shades: [Shade: [Double?]]
}

/// Types of Foundation in every kind of place.
struct Shipment: Codable, Equatable, Sendable {
    enum Lid: Codable, Equatable, Sendable {
        case open
        case closed(Data, label: Data?)
    }

    var id = UUID()
    var time = Date()
    var price = Decimal(string: "12.34")
    var page = URL(string: "https://example.org/a?b#c")
    var bytes: Data
    var list: [Data]
    var table: [String: Data?]
    var lid: Lid

    init(_ bytes: Data) {
        self.bytes = bytes
        list = [bytes, Data()]
        table = ["bytes": bytes, "nothing": nil]
        lid = bytes.isEmpty ? .open : .closed(bytes, label: bytes)
    }
}

class Base: Codable {
    var name: String

    init(name: String) {
        self.name = name
    }
}

final class Derived: Base {
    var number: Int

    private enum CodingKeys: CodingKey {
        case number
    }

    init(name: String, number: Int) {
        self.number = number
        super.init(name: name)
    }

    required init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        number = try container.decode(Int.self, forKey: .number)
        try super.init(from: container.superDecoder())
    }

    override func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(number, forKey: .number)
        try super.encode(to: container.superEncoder())
    }
}

extension Derived: @unchecked Sendable {}

/// Returns its input.
struct Echo<Value: Codable & Sendable>: PlainJob {
    typealias Input = Value
    typealias Output = Value

    func act(_ value: Value) throws -> Value { value }
}

extension Kind {
    /// Runs `work` with a pool that returns its inputs; expects that nothing is left.
    func echo<Value: Codable & Sendable>(_ type: Value.Type, _ work: (AnyPool<Echo<Value>>) throws -> Void) {
        Scene.survive(Echo<Value>(), self, nil, work)
    }
}

private enum ValueScenes {
    static func numbers(_ kind: Kind) {
        let numbers: [Double] = [
            .nan, .signalingNaN, Double(nan: 0x5_1234, signaling: false), -.nan, -0.0, 0, .infinity, -.infinity,
            .leastNonzeroMagnitude, -.greatestFiniteMagnitude,
        ]
        let bits = numbers.map(\.bitPattern)
        kind.echo(Double.self) { pool throws in #expect(try pool.map(numbers).map(\.bitPattern) == bits) }
        kind.echo([Double].self) { pool throws in #expect(try pool(numbers).map(\.bitPattern) == bits) }
        kind.echo([String: Double?].self) { pool throws in
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
            // A struct that a job returns is coded.
            for start in [ForkPool.Start.fork, .exec] {
                let points = try ForkPool(workers: 2).resident(Placing(), start: start)
                #expect(try points.withMapped([1, 2, 3]) { (span: Span<Place>) in span[2].y } == 6)
                #expect(try points.withMapped([Int]()) { (span: Span<Place>) in span.count } == 0)
                #expect(
                    failure { () throws(ForkPool.Failure) in
                        do {
                            _ = try points.withMapped([1, -1]) { (span: Span<Place>) in span.count }
                        } catch let error as ForkPool.Failure {
                            throw error
                        } catch {
                            Issue.record(error)
                        }
                    }?.index == 1)
                points.close()
            }
        } catch {
            Issue.record(error)
        }
    }

    static func strings(_ kind: Kind) {
        let strings = [
            "", "a", "\0", "e\u{301}", "\u{e9}", "👩‍👩‍👧‍👦🏳️‍🌈", "\u{10FFFF}", "日本語", "\u{202E}right to left", "\r\n\u{2028}",
            String(repeating: "long ", count: 10_000),
        ]
        let bytes = strings.map { Array($0.utf8) }
        kind.echo(String.self) { pool throws in #expect(try pool.map(strings).map { Array($0.utf8) } == bytes) }
        kind.echo([String: String].self) { pool throws in
            #expect(try pool.map(strings.map { [$0: $0] }).map { Array($0.keys.first!.utf8) } == bytes)
        }
    }

    static func foundation(_ kind: Kind) {
        let part = Data((0..<100_000).map { UInt8(truncatingIfNeeded: $0 >> 8 ^ $0) })
        let large = (0..<100).reduce(into: Data()) { data, _ in data += part }
        let samples = [Data(), Data([7]), Data([1, 2, 3, 4])[1...2], part[1...], large]
        kind.echo(Data.self) { pool throws in
            #expect(try pool.map(samples) == samples)
            #expect(try pool.map([large, large, large, large]) == [large, large, large, large])
        }
        kind.echo(Shipment.self) { pool throws in
            let shipments = samples.map { Shipment($0) }
            #expect(try pool.map(shipments) == shipments)
        }
        kind.echo(URL.self) { pool throws in
            let urls = [
                URL(fileURLWithPath: "/a b"), URL(string: "c?d", relativeTo: URL(string: "https://example.org"))!,
            ]
            #expect(try pool.map(urls) == urls)
        }
        kind.echo(Decimal.self) { pool throws in #expect(try pool.map([.pi, -1]) == [.pi, -1]) }
        kind.echo([UUID: Date].self) { pool throws in
            let times = [UUID(): Date(), UUID(): .distantPast]
            #expect(try pool(times) == times)
        }
    }

    static func shapes(_ kind: Kind) {
        let values = [
            Mixed(nested: .none, tree: .nothing, shades: [:]),
            Mixed(nested: .some(.none), tree: .leaf(-1), shades: [.light: []]),
            Mixed(nested: .some(.some(.none)), tree: .two(.leaf(1), .nothing), shades: [.dark: [nil]]),
            Mixed(nested: 5, tree: .two(.nothing, .leaf(.min)), shades: [.light: [1, nil], .dark: [2]]),
        ]
        kind.echo(Mixed.self) { pool throws in #expect(try pool.map(values) == values) }
        kind.echo(Derived.self) { pool throws in
            let derived = try pool.map((0..<3).map { Derived(name: "name \($0)", number: $0) })
            #expect(derived.map(\.number) == [0, 1, 2])
            #expect(derived.map(\.name) == ["name 0", "name 1", "name 2"])
        }
    }
}

/// A struct of bit patterns that is Codable, as the results of a job are.
struct Place: Codable, BitwiseCopyable {
    var x: Int
    var y: Int
}

struct Placing: ForkPool.Job {
    struct Negative: Error {}

    func run(_ item: Int) async throws -> Place {
        if item < 0 { throw Negative() }
        return Place(x: item, y: 2 * item)
    }
}

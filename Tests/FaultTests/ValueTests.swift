import ForkPool
import Glibc
import Testing

@Suite struct ValueTests {
    @Test("B8: NaN, -0.0, infinities and subnormal numbers cross bit for bit, stored and coded")
    func numbers() async {
        await #expect(processExitsWith: .success) { ValueScenes.numbers() }
    }

    @Test("B8: strings of every kind cross byte for byte")
    func strings() async {
        await #expect(processExitsWith: .success) { ValueScenes.strings() }
    }

    @Test("B8: nested optionals, enums with payloads, dictionaries keyed by enums and classes with superEncoder")
    func shapes() async {
        await #expect(processExitsWith: .success) { ValueScenes.shapes() }
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

private enum ValueScenes {
    static func numbers() {
        Scene.survive { pool throws in
            let numbers: [Double] = [
                .nan, .signalingNaN, Double(nan: 0x5_1234, signaling: false), -.nan, -0.0, 0, .infinity, -.infinity,
                .leastNonzeroMagnitude, -.greatestFiniteMagnitude,
            ]
            let bits = numbers.map(\.bitPattern)
            #expect(try pool.map(numbers) { $0 }.map(\.bitPattern) == bits)
            // An optional is coded as an array is, and not stored as it stands.
            #expect(try pool.map(numbers) { [$0] }.map { $0[0].bitPattern } == bits)
            #expect(try pool.map(numbers) { ["n": $0] }.map { $0["n"]?.bitPattern } == bits)
        }
    }

    static func strings() {
        Scene.survive { pool throws in
            let strings = [
                "", "a", "\0", "e\u{301}", "\u{e9}", "👩‍👩‍👧‍👦🏳️‍🌈", "\u{10FFFF}", "日本語", "\u{202E}right to left", "\r\n\u{2028}",
                String(repeating: "long ", count: 10_000),
            ]
            let bytes = strings.map { Array($0.utf8) }
            #expect(try pool.map(strings) { $0 }.map { Array($0.utf8) } == bytes)
            #expect(try pool.map(strings) { [$0: $0] }.map { Array($0.keys.first!.utf8) } == bytes)
        }
    }

    static func shapes() {
        Scene.survive { pool throws in
            let values = [
                Mixed(nested: .none, tree: .nothing, shades: [:]),
                Mixed(nested: .some(.none), tree: .leaf(-1), shades: [.light: []]),
                Mixed(nested: .some(.some(.none)), tree: .two(.leaf(1), .nothing), shades: [.dark: [nil]]),
                Mixed(nested: 5, tree: .two(.nothing, .leaf(.min)), shades: [.light: [1, nil], .dark: [2]]),
            ]
            let crossed = try pool.map(values) { $0 }
            #expect(crossed[0] == values[0])
            #expect(crossed[3] == values[3])
            #expect(crossed.map(\.tree) == values.map(\.tree))
            #expect(crossed.map(\.shades) == values.map(\.shades))
            #expect(crossed.map(\.nested) == [.none, .some(.none), .some(.some(.none)), 5])
            let derived = try pool.map(0..<3) { Derived(name: "name \($0)", number: $0) }
            #expect(derived.map(\.number) == [0, 1, 2])
            #expect(derived.map(\.name) == ["name 0", "name 1", "name 2"])
        }
    }
}

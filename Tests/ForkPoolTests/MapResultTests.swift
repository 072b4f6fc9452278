// SPDX-License-Identifier: Apache-2.0
import ForkPool
import Testing

@Suite("A map's results")
struct MapResultTests {
    @Test("are numbers, truth values and tuples in input order")
    func scalars() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                let pool = ForkPool(workers: 3)
                #expect(try pool.map([1, 2, 3, 4, 5]) { $0 * $0 } == [1, 4, 9, 16, 25])
                #expect(try pool.map([1, 2, 3]) { $0 > 1 } == [false, true, true])
                #expect(try pool.map([1, 2]) { Double($0) / 4 } == [0.25, 0.5])
                #expect(try pool.map([-1, 1]) { UInt8(truncatingIfNeeded: $0) } == [255, 1])
                let pairs = try pool.map(["a", "bcd"]) { ($0.count, $0.isEmpty) }
                #expect(pairs.map(\.0) == [1, 3] && pairs.map(\.1) == [false, false])
            }
        }
    }

    @Test("are structs and enums that are bit patterns without being Codable")
    func bitPatterns() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                let pool = ForkPool(workers: 2)
                let pixels = try pool.map(0..<3) { Pixel(red: UInt8($0 * 100), depth: Double($0) / 2) }
                #expect(
                    pixels == [Pixel(red: 0, depth: 0), Pixel(red: 100, depth: 0.5), Pixel(red: 200, depth: 1)])
                #expect(try pool.map([0, 1, 2]) { Light.all[$0] } == [.red, .amber(seconds: 7), .green])
                #expect(try pool.map([0, 1]) { $0 == 0 ? nil : $0 } == [nil, 1])
                #expect(try pool.map([2]) { SIMD4<Float>(repeating: Float($0)) } == [[2, 2, 2, 2]])
            }
        }
    }

    @Test("are strings, bytes, arrays of arrays and dictionaries")
    func coded() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let pool = ForkPool(workers: 2)
                #expect(try pool.map(0..<3) { "s\($0)" } == ["s0", "s1", "s2"])
                #expect(try pool.map([2, 0]) { [UInt8](repeating: 7, count: $0) } == [[7, 7], []])
                #expect(
                    try pool.map([1, 2]) { [[Double($0)], [0.5, -1]] } == [[[1], [0.5, -1]], [[2], [0.5, -1]]])
                #expect(try pool.map(["a", "b"]) { [$0: [1, 2]] } == [["a": [1, 2]], ["b": [1, 2]]])
                #expect(try pool.map([0, 1]) { $0 == 0 ? nil : "one" } == [nil, "one"])
                #expect(try pool.map(["x"]) { Set([$0, "y"]) } == [["x", "y"]])
            }
        }
    }

    @Test("are structs, enums and classes that are Codable")
    func codableTypes() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                let pool = ForkPool(workers: 2)
                let shapes = try pool.map(0..<2) { $0 == 0 ? Shape.circle(radius: 2.5) : .named("n", tags: ["t"]) }
                #expect(shapes == [.circle(radius: 2.5), .named("n", tags: ["t"])])
                let chains = try pool.map([1, 5]) { Chain($0, Chain($0 + 1, nil)) }
                #expect(chains.map(\.value) == [1, 5])
                #expect(chains.map { $0.next?.value } == [2, 6])
                // A bit pattern that is Codable too is stored, not coded.
                #expect(try pool.map([3, 4]) { Point(x: $0, y: -$0) } == [Point(x: 3, y: -3), Point(x: 4, y: -4)])
            }
        }
    }

    @Test("are as many empty tuples as there are items where the body returns nothing")
    func nothing() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                let pool = ForkPool(workers: 2)
                let calls = SharedCounter()
                let results: [Void] = try pool.map(0..<7) { _ in
                    calls.add()
                    return
                }
                #expect(results.count == 7)
                #expect(calls.value == 7)
            }
        }
    }

    @Test("come from workers, and changes of other state stay there")
    func fromWorkers() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                var total = 0
                let subtotals = try ForkPool(workers: 1).map([1, 2, 3]) {
                    total += $0
                    return total
                }
                #expect(subtotals == [1, 3, 6])
                #expect(total == 0)
            }
        }
    }

    @Test("are every outcome for mapResults, of each kind of result")
    func everyOutcome() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                let pool = ForkPool(workers: 2)
                let numbers = pool.mapResults(0..<4) { if $0 == 2 { throw Odd(item: $0) } else { return $0 * 3 } }
                #expect(numbers.map { try? $0.get() } == [0, 3, nil, 9])
                let words = pool.mapResults(0..<3) { if $0 == 0 { throw Odd(item: $0) } else { return "w\($0)" } }
                #expect(words.map { try? $0.get() } == [nil, "w1", "w2"])
                let pixels = pool.mapResults([1]) { Pixel(red: UInt8($0), depth: 0) }
                #expect(pixels.map { try? $0.get() } == [Pixel(red: 1, depth: 0)])
                guard case .failure(let failure) = numbers[2] else { return }
                #expect(failure.code == .thrown && failure.index == 2)
                #expect(failure.thrown?.decode(as: Odd.self) == Odd(item: 2))
                #expect(failure.thrown?.decode(as: Other.self) == nil)
            }
        }
    }

    @Test("are the same from async code")
    func fromAsyncCode() async {
        await #expect(processExitsWith: .success) {
            await Alone.runAsync { () async throws in
                let pool = ForkPool(workers: 2)
                #expect(try await pool.map([1, 2, 3]) { $0 * $0 } == [1, 4, 9])
                #expect(try await pool.map([1, 2]) { "s\($0)" } == ["s1", "s2"])
                #expect(try await pool.map([1]) { Pixel(red: UInt8($0), depth: 1) } == [Pixel(red: 1, depth: 1)])
                #expect(try await pool.map([1]) { Chain($0, nil) }.map(\.value) == [1])
                let numbers = await pool.mapResults(0..<3) { if $0 == 1 { throw Odd(item: 1) } else { return $0 } }
                #expect(numbers.map { try? $0.get() } == [0, nil, 2])
                let words = await pool.mapResults(["a"]) { $0 + "b" }
                #expect(words.map { try? $0.get() } == ["ab"])
                let pixels = await pool.mapResults([1]) { Pixel(red: UInt8($0), depth: 0) }
                #expect(pixels.map { try? $0.get() } == [Pixel(red: 1, depth: 0)])
            }
        }
    }
}

private struct Pixel: BitwiseCopyable, Equatable {
    var red: UInt8
    var depth: Double
}

private struct Point: BitwiseCopyable, Codable, Equatable {
    var x: Int
    var y: Int
}

private enum Light: BitwiseCopyable, Equatable {
    case red
    case amber(seconds: Int)
    case green

    static let all = [red, amber(seconds: 7), green]
}

private enum Shape: Codable, Equatable {
    case circle(radius: Double)
    case named(String, tags: [String])
}

private final class Chain: Codable {
    let value: Int
    let next: Chain?

    init(_ value: Int, _ next: Chain?) {
        self.value = value
        self.next = next
    }
}

private struct Odd: Error, Codable, Equatable {
    var item: Int
}

private struct Other: Error, Codable {
    var reason: String
}

import ForkPool
import Glibc
import Testing

@Suite struct TrapTests {
    @Test("A1: a trap of each kind names item, signal and message")
    func eachTrap() async {
        await #expect(processExitsWith: .success) { TrapScenes.eachTrap() }
    }

    @Test("A1: map throws the trap of the lowest item")
    func lowestTrap() async {
        await #expect(processExitsWith: .success) { TrapScenes.lowestTrap() }
    }

    @Test("A1: a trap is told to asynchronous code too")
    func asynchronousTrap() async {
        await #expect(processExitsWith: .success) { await TrapScenes.asynchronousTrap() }
    }
}

/// The ways in which Swift code traps.
enum Trap: Int, CaseIterable, Codable {
    case fatalError
    case precondition
    case index
    case nilUnwrap
    case overflow
    case division
    case cast
    case unexpectedError
    case exclusivity
    case unowned

    private struct Unexpected: Error {}

    private final class Owned {
        var number = 7
    }

    /// Springs the trap; returns only if there was none.
    func spring() {
        switch self {
        case .fatalError: Swift.fatalError("out of cheese")
        case .precondition: Swift.precondition(opaque(false), "the precondition's text")
        case .index: _ = opaque(opaque([1, 2, 3])[opaque(3)])
        case .nilUnwrap: _ = opaque(opaque(Int?.none)!)
        case .overflow: _ = opaque(opaque(Int.max) + opaque(1))
        case .division: _ = opaque(opaque(1) / opaque(0))
        case .cast: _ = opaque(opaque("text" as Any) as! Int)
        case .unexpectedError: try! Self.throwing()
        case .exclusivity:
            let owned = opaque(Owned())
            Self.modify(&owned.number) { owned.number += 1 }
        case .unowned:
            let reader = Self.readerOfDropped()
            _ = opaque(reader())
        }
    }

    private static func throwing() throws {
        throw opaque(Unexpected())
    }

    private static func modify(_ number: inout Int, _ body: () -> Void) {
        body()
        number += 1
    }

    private static func readerOfDropped() -> () -> Int {
        let owned = opaque(Owned())
        return { [unowned owned] in owned.number }
    }

    /// What the failure's message has in it.
    var text: String {
        switch self {
        case .fatalError: "out of cheese"
        case .precondition: "the precondition's text"
        case .index: "Index out of range"
        case .nilUnwrap: "Unexpectedly found nil while unwrapping an Optional value"
        case .overflow: "SIG"
        case .division: "Division by zero"
        case .cast: "Could not cast value of type"
        case .unexpectedError: "'try!' expression unexpectedly raised an error"
        case .exclusivity: "SIGABRT"
        case .unowned: "Attempted to read an unowned reference"
        }
    }
}

private enum TrapScenes {
    static func eachTrap() {
        Scene.survive { pool throws in
            let traps = Trap.allCases
            let results = pool.mapResults(0..<20) { item in
                // Every second item springs a trap.
                if item % 2 == 1 { traps[item / 2].spring() }
                return item * 10
            }
            for item in stride(from: 0, to: 20, by: 2) { #expect(results[item].value == item * 10) }
            for (trap, item) in zip(traps, stride(from: 1, to: 20, by: 2)) {
                guard let failure = results[item].failure else {
                    Issue.record("\(trap) did not fail")
                    continue
                }
                #expect(failure.code == .crashed, "\(trap): \(failure)")
                #expect(failure.index == item, "\(trap): \(failure)")
                #expect([SIGILL, SIGTRAP, SIGABRT].contains(failure.signal), "\(trap): \(failure)")
                #expect(failure.bodyRan == .yes)
                #expect(failure.description.hasPrefix("item \(item) crashed its worker (pid \(failure.pid ?? 0)): SIG"))
                // An optimized build traps without a word.
                #if DEBUG
                #expect(failure.message.contains(trap.text), "\(trap): \(failure)")
                #endif
            }
        }
    }

    static func lowestTrap() {
        Scene.survive { pool throws in
            let thrown = failure { () throws(ForkPool.Failure) in
                try pool.map(0..<100) { item in
                    if item >= 13 { Trap.index.spring() }
                    return item
                }
            }
            #expect(thrown?.index == 13)
            #expect(thrown?.code == .crashed)
        }
    }

    static func asynchronousTrap() async {
        await Scene.survive { pool in
            let results = await pool.mapResults(0..<5) { item in
                if item == 3 { Trap.fatalError.spring() }
                return "value \(item)"
            }
            #expect(results.map(\.value) == ["value 0", "value 1", "value 2", nil, "value 4"])
            #expect(results[3].failure?.code == .crashed)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
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

    /// A part of the failure's message.
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

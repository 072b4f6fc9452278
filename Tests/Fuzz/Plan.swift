// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc

/// The plan of one iteration, which follows from the seed and the iteration's number.
struct Plan {
    enum Kind: CaseIterable {
        case plain
        case coded
        case firstFailure
        case filled
        case stream
        case streamByCompletion
        case residentPlain
        case residentCoded
        case residentStream
        case job
        case exec
    }

    let seed: UInt64
    let iteration: Int
    let kind: Kind
    let workers: Int
    let count: Int
    /// One item in this many scribbles.
    let rarity: Int
    let options: ForkPool.Options

    init(_ seed: UInt64, _ iteration: Int) {
        var dice = Dice(seed, iteration)
        self.seed = seed
        self.iteration = iteration
        kind = Kind.allCases[dice.below(Kind.allCases.count)]
        workers = 1 + dice.below(4)
        count = 1 + dice.below(dice.oneIn(3) ? 200 : 30)
        rarity = [1, 4, 20][dice.below(3)]
        options = ForkPool.Options(
            chunk: dice.oneIn(2) ? .automatic : .fixed(1 + dice.below(9)),
            warmMemory: dice.oneIn(2) ? 256 << 20 : dice.below(1 << 20),
            timeout: dice.oneIn(3) ? .milliseconds(500) : nil,
            itemsPerWorker: dice.oneIn(4) ? 1 + dice.below(20) : nil,
            setUp: dice.oneIn(4) ? { @Sendable () throws -> Void in usleep(10) } : nil)
    }

    var isResident: Bool {
        switch kind {
        case .residentPlain, .residentCoded, .residentStream, .job, .exec: true
        default: false
        }
    }

    /// The items.
    func tasks(_ round: Int, _ scribbles: Bool) -> [Item] {
        (0..<count).map { number in
            var dice = Dice(seed, iteration, number + round * 1000)
            return Item(
                number: number, round: round, seed: seed, iteration: iteration, isWild: scribbles && dice.oneIn(rarity))
        }
    }
}

/// An order for a worker, as a bit pattern or coded.
struct Item: Codable, Sendable, BitwiseCopyable {
    var number: Int
    var round: Int
    var seed: UInt64
    var iteration: Int
    var isWild: Bool

    /// The result when no item scribbles.
    var answer: Int { number &* 7 &+ round }
    var text: String { String(repeating: "item \(number) ", count: 1 + number % 50) }

    struct Refusal: Error, Codable {
        var number: Int
        var text: String
    }

    /// Scribbles, and may end badly.
    func act() throws {
        if number % 11 == 5, round == 0 { throw Refusal(number: number, text: text) }
        guard isWild else { return }
        var dice = Dice(seed, iteration, number &+ round &* 1000 &+ 500)
        Scribbler.current.scribble(&dice)
        switch dice.below(24) {
        case 0, 1: kill(getpid(), SIGKILL)
        case 2: unsafe UnsafeMutablePointer<Int>(bitPattern: 8 + dice.below(8))!.pointee = 1
        case 3: exit(Int32(dice.below(3)))
        case 4: throw Refusal(number: number, text: text)
        case 5: usleep(UInt32(dice.below(3000)))
        default: break
        }
    }
}

/// The same in a box that is no bit pattern.
struct BoxedItem: Codable, Sendable {
    var item: Item
    var note: String?
}

struct WildJob: ForkPool.Job {
    func run(_ input: BoxedItem) async throws -> String {
        try input.item.act()
        return input.item.text
    }
}

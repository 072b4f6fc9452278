import ForkPool
import Glibc
import Testing

@Suite("A failure in a stream")
struct StreamFailureTests {
    @Test("is an element of the sequence, with its index, and costs its item alone", arguments: [true, false])
    func elements(_ inOrder: Bool) async {
        await #expect(processExitsWith: .success) { [inOrder] in
            Alone.run { () throws in
                let pool = ForkPool(workers: 2)
                let order: ForkPool.Order = inOrder ? .input : .completion
                for window in [nil, 1, 3] {
                    Fates.check(try Drain.outcomes(pool.stream(0..<40, order: order, window: window, Fates.plain)))
                    Fates.check(
                        try Drain.outcomes(pool.stream(Pulls().first(40), order: order, window: window, Fates.coded)))
                    let resident = try pool.resident(Fates.plain)
                    Fates.check(try Drain.outcomes(resident.stream(0..<40, order: order, window: window)))
                    #expect(try resident.map([0, 1]) == [0, 10])
                    resident.close()
                    #expect(Alone.hasNoChild)
                }
            }
        }
    }

    @Test("is an element of the results in async code, and the sequence goes on")
    func results() async {
        await #expect(processExitsWith: .success) {
            await Alone.runAsync {
                for order in [ForkPool.Order.input, .completion] {
                    var outcomes: [Int: Result<Int, ForkPool.Failure>] = [:]
                    for await (index, result) in ForkPool(workers: 2).stream(0..<40, order: order, Fates.plain).results
                    {
                        #expect(outcomes.updateValue(result, forKey: index) == nil)
                    }
                    Fates.check(outcomes)
                    outcomes = [:]
                    let source = Pulls().firstAsync(40)
                    for await (index, result) in ForkPool(workers: 2).stream(source, order: order, Fates.plain).results
                    {
                        #expect(outcomes.updateValue(result, forKey: index) == nil)
                    }
                    Fates.check(outcomes)
                    #expect(Alone.hasNoChild)
                }
            }
        }
    }

    @Test("is thrown to a loop of async code and to forEach, and ends the rest", arguments: [5, 10, 15, 20])
    func thrown(_ item: Int) async {
        await #expect(processExitsWith: .success) { [item] in
            await Alone.runAsync {
                var read = 0
                do throws(ForkPool.Failure) {
                    for try await (index, output) in ForkPool(workers: 2).stream(0..<40, Fates.alone(item)) {
                        #expect(output == index * 10)
                        read += 1
                    }
                    Issue.record("nothing was thrown")
                } catch {
                    #expect(error.index == item)
                    #expect(error.code == Fates.code(of: item))
                }
                #expect(read == item)
                #expect(Alone.hasNoChild)
            }
            Alone.run {
                var read = 0
                do {
                    try ForkPool(workers: 2).stream(0..<40, Fates.alone(item)).forEach { index, output in
                        #expect(output == index * 10)
                        read += 1
                    }
                    Issue.record("nothing was thrown")
                } catch {
                    let failure = error as? ForkPool.Failure
                    #expect(failure?.index == item)
                    #expect(failure?.code == Fates.code(of: item))
                }
                #expect(read == item)
                #expect(Alone.hasNoChild)
            }
        }
    }

    @Test("has the error's own words, however long the error looks for them")
    func words() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                for order in [ForkPool.Order.input, .completion] {
                    let stream = ForkPool(workers: 2).stream(0..<20, order: order) { item in
                        if item % 2 == 0 { throw Slow() }
                        return item
                    }
                    for (index, result) in stream where index % 2 == 0 {
                        #expect(Fates.failure(result)?.description.contains("words at last") == true, "\(result)")
                    }
                }
                #expect(Alone.hasNoChild)
            }
        }
    }

    @Test("of the reader's own in forEach is thrown as it is, and ends the rest")
    func readersOwn() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                #expect(throws: Wrong(number: 7)) {
                    try ForkPool(workers: 2).stream(sequence(first: 0) { $0 + 1 }) { $0 }.forEach { index, _ in
                        if index == 7 { throw Wrong(number: 7) }
                    }
                }
                #expect(Alone.hasNoChild)
            }
        }
    }

    @Test("is a result that cannot be encoded or decoded")
    func values() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let pool = ForkPool(workers: 2)
                for order in [ForkPool.Order.input, .completion] {
                    let results = try Drain.outcomes(
                        pool.stream(0..<30, order: order) { Brittle(number: $0, breaks: .at($0)) })
                    #expect(results.count == 30)
                    for item in 0..<30 {
                        switch item % 3 {
                        case 0:
                            #expect(try results[item]?.get().number == item)
                        case 1:
                            #expect(Fates.failure(results[item])?.code == .notEncodable)
                            #expect(Fates.failure(results[item])?.index == item)
                        default:
                            #expect(Fates.failure(results[item])?.code == .notDecodable)
                            #expect(Fates.failure(results[item])?.index == item)
                        }
                    }
                }
                #expect(Alone.hasNoChild)
            }
        }
    }

    @Test("is an input of a sequence that cannot be encoded or decoded", arguments: [true, false])
    func inputs(_ inOrder: Bool) async {
        await #expect(processExitsWith: .success) { [inOrder] in
            Alone.run { () throws in
                let order: ForkPool.Order = inOrder ? .input : .completion
                let items = sequence(first: Brittle(number: 0, breaks: .never)) { last in
                    last.number == 29 ? nil : Brittle(number: last.number + 1, breaks: .at(last.number + 1))
                }
                let outcomes = try Drain.outcomes(ForkPool(workers: 2).stream(items, order: order) { $0.number })
                #expect(outcomes.count == 30)
                for item in 0..<30 {
                    let failure = Fates.failure(outcomes[item])
                    switch item % 3 {
                    case 0: #expect(try outcomes[item]?.get() == item)
                    case 1: #expect(failure?.code == .notEncodable && failure?.index == item && failure?.bodyRan == .no)
                    default:
                        #expect(failure?.code == .notDecodable && failure?.index == item && failure?.bodyRan == .no)
                    }
                }
                #expect(Alone.hasNoChild)
            }
        }
    }

    @Test("of the source is the last element, after every item that it gave")
    func source() async {
        await #expect(processExitsWith: .success) {
            await Alone.runAsync {
                for order in [ForkPool.Order.input, .completion] {
                    let stream = ForkPool(workers: 2).stream(Sources.throwing(5, Wrong(number: 3)), order: order) { $0 }
                    var last: ForkPool.Failure?
                    var indices: [Int] = []
                    for await (index, result) in stream.results {
                        indices.append(index)
                        #expect(last == nil)
                        if case .failure(let failure) = result { last = failure }
                    }
                    #expect(indices.sorted() == [0, 1, 2, 3, 4, 5])
                    #expect(indices.last == 5)
                    #expect(last?.code == .thrown)
                    #expect(last?.index == 5)
                    #expect(last?.bodyRan == .no)
                    #expect(last?.description.contains("item 5 has no input: the stream's source threw ") == true)
                    #expect(Alone.hasNoChild)
                }
                do throws(ForkPool.Failure) {
                    for try await (index, _) in ForkPool(workers: 2).stream(
                        Sources.throwing(0, Wrong(number: 1)), { $0 })
                    {
                        Issue.record("item \(index) came of nothing")
                    }
                    Issue.record("nothing was thrown")
                } catch {
                    #expect(error.code == .thrown && error.index == 0)
                }
            }
        }
    }

    @Test("is what a stream of a closed or cancelled pool gives, once, without asking the workers")
    func closed() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                for closes in [true, false] {
                    let resident = try ForkPool(workers: 2).resident { (x: Int) in x }
                    if closes { resident.close() } else { resident.cancel() }
                    let outcomes = try Drain.outcomes(resident.stream(0..<9))
                    #expect(outcomes.count == 1)
                    #expect(Fates.failure(outcomes[0])?.code == .closed)
                    #expect(Fates.failure(outcomes[0])?.index == 0)
                    #expect(try Drain.outcomes(resident.stream([Int]())).isEmpty)
                }
            }
            await Alone.runAsync { () async throws in
                let resident = try ForkPool(workers: 2).resident { (x: Int) in x }
                await resident.finish()
                var outcomes: [Result<Int, ForkPool.Failure>] = []
                for await (_, result) in resident.stream(Sources.numbers(9)).results { outcomes.append(result) }
                #expect(outcomes.count == 1)
                #expect(Fates.failure(outcomes[0])?.code == .closed)
                #expect(Alone.hasNoChild)
            }
        }
    }
}

private struct Wrong: Error, Codable, Equatable {
    var number: Int
}

/// A value that may not cross; its text keeps it from crossing as a bit pattern.
private struct Brittle: Codable {
    enum Place: Int, Codable {
        case never, encoding, decoding

        static func at(_ number: Int) -> Place { Place(rawValue: number % 3) ?? .never }
    }

    private enum CodingKeys: CodingKey {
        case number, breaks
    }

    let text = ""
    var number: Int
    var breaks: Place

    init(number: Int, breaks: Place) {
        self.number = number
        self.breaks = breaks
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        number = try container.decode(Int.self, forKey: .number)
        breaks = try container.decode(Place.self, forKey: .breaks)
        if breaks == .decoding { throw Wrong(number: number) }
    }

    func encode(to encoder: any Encoder) throws {
        if breaks == .encoding { throw Wrong(number: number) }
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(number, forKey: .number)
        try container.encode(breaks, forKey: .breaks)
    }
}

/// What becomes of items: ten times their numbers, but for those that end in 5, of which each fails in its way.
private enum Fates {
    static func plain(_ item: Int) throws -> Int {
        switch item {
        case 5: throw Wrong(number: 5)
        case 15: abort()
        case 25: exit(3)
        case 35: kill(getpid(), SIGKILL)
        default: break
        }
        return item * 10
    }

    static func coded(_ item: Int) throws -> String { "\(try plain(item))" }

    /// A body in which that item alone fails.
    static func alone(_ failing: Int) -> (Int) throws -> Int {
        { item in
            guard item == failing else { return item * 10 }
            return try plain(item * 2 - 5)
        }
    }

    static func code(of item: Int) -> ForkPool.Failure.Code {
        switch item {
        case 5: .thrown
        case 10: .crashed
        case 15: .exited
        default: .killed
        }
    }

    static func failure<T>(_ result: Result<T, ForkPool.Failure>?) -> ForkPool.Failure? {
        if case .failure(let failure)? = result { failure } else { nil }
    }

    static func check<T>(_ outcomes: [Int: Result<T, ForkPool.Failure>]) {
        #expect(outcomes.count == 40)
        for item in 0..<40 where item % 10 != 5 {
            guard case .success(let output)? = outcomes[item] else {
                Issue.record("item \(item) has no result")
                continue
            }
            #expect("\(output)" == "\(item)0" || item == 0)
        }
        let failures = [5, 15, 25, 35].map { failure(outcomes[$0]) }
        #expect(failures.map { $0?.code } == [.thrown, .crashed, .exited, .killed])
        #expect(failures.map { $0?.index } == [5, 15, 25, 35])
        #expect(failures[0]?.thrown?.decode(as: Wrong.self)?.number == 5)
        #expect(failures[1]?.signal == SIGABRT)
        #expect(failures[2]?.exitStatus == 3)
        #expect(failures[3]?.signal == SIGKILL)
    }
}

/// An error that takes long to say what it is.
private struct Slow: Error, CustomStringConvertible {
    var description: String {
        usleep(5000)
        return "words at last"
    }
}

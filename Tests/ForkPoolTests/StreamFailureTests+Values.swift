// SPDX-License-Identifier: Apache-2.0
import ForkPool
import Testing

// Failures of values: results, inputs and the source of inputs.
extension StreamFailureTests {
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
                            #expect(StreamOutcomes.failure(results[item])?.code == .notEncodable)
                            #expect(StreamOutcomes.failure(results[item])?.index == item)
                        default:
                            #expect(StreamOutcomes.failure(results[item])?.code == .notDecodable)
                            #expect(StreamOutcomes.failure(results[item])?.index == item)
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
                    let failure = StreamOutcomes.failure(outcomes[item])
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
                    #expect(
                        last?.description == "item 5 has no input: the stream's source threw Wrong(number: 3)")
                    #expect(last?.thrown?.decode(as: Wrong.self) == Wrong(number: 3))
                    #expect(last?.sourceError as? Wrong == Wrong(number: 3))
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
                    #expect(error.sourceError as? Wrong == Wrong(number: 1))
                }
                // An error that is not Codable is there as well; one of a body is not the source's.
                let secret = Secret()
                let failing = AsyncThrowingStream<Int, any Error> { throw secret }
                for await (_, result) in ForkPool(workers: 2).stream(failing, { $0 }).results {
                    #expect(StreamOutcomes.failure(result)?.sourceError as? Secret === secret)
                    #expect(StreamOutcomes.failure(result)?.thrown?.decode(as: Wrong.self) == nil)
                }
                let source = Sources.throwing(3)
                for await (_, result) in ForkPool(workers: 2).stream(source, { _ -> Int in throw Wrong(number: 2) })
                    .results
                {
                    #expect(StreamOutcomes.failure(result)?.sourceError == nil)
                    #expect(StreamOutcomes.failure(result)?.thrown?.decode(as: Wrong.self) == Wrong(number: 2))
                }
            }
        }
    }
}

private final class Secret: Error {}

private typealias Wrong = StreamOutcomes.Wrong

/// A value that may fail to encode or decode; its text keeps it from being a bit pattern.
private struct Brittle: Codable {
    enum Step: Int, Codable {
        case never, encoding, decoding

        static func at(_ number: Int) -> Step { Step(rawValue: number % 3) ?? .never }
    }

    private enum CodingKeys: CodingKey {
        case number, breaks
    }

    let text = ""
    var number: Int
    var breaks: Step

    init(number: Int, breaks: Step) {
        self.number = number
        self.breaks = breaks
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        number = try container.decode(Int.self, forKey: .number)
        breaks = try container.decode(Step.self, forKey: .breaks)
        if breaks == .decoding { throw Wrong(number: number) }
    }

    func encode(to encoder: any Encoder) throws {
        if breaks == .encoding { throw Wrong(number: number) }
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(number, forKey: .number)
        try container.encode(breaks, forKey: .breaks)
    }
}

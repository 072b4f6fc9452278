// SPDX-License-Identifier: Apache-2.0
import ForkPool

extension Plan {
    /// Maps once in a pool that forks anew each time.
    func runOnce(_ round: Int, _ scribbles: Bool) {
        let pool = ForkPool(workers: workers, options: options)
        let items = tasks(round, scribbles)
        let number = { (item: Item) throws -> Int in
            try item.act()
            return item.answer
        }
        let text = { (item: Item) throws -> String in
            try item.act()
            return item.text
        }
        switch kind {
        case .plain: check(pool.mapResults(items, number), items, scribbles, \.answer)
        case .coded: check(pool.mapResults(items, text), items, scribbles, \.text)
        case .firstFailure:
            let result = Result { () throws(ForkPool.Failure) in try pool.map(items, text) }
            check(result.all(items.count), items, scribbles, \.text)
        case .filled:
            let result = Result { () throws(ForkPool.Failure) in
                try pool.fill(count: items.count, slot: 3, of: Int.self) { number, slot in
                    try items[number].act()
                    for place in 0..<3 { slot[place] = items[number].answer }
                }
            }
            let first = result.map { filled in stride(from: 0, to: filled.count, by: 3).map { filled[$0] } }
            check(first.all(items.count), items, scribbles, \.answer)
        case .stream: check(pool.stream(items, order: .input, text), items, scribbles, \.text)
        default: check(pool.stream(items.makeStream(), order: .completion, number), items, scribbles, \.answer)
        }
    }

    /// Uses a pool with workers that stay.
    func runResident() {
        do {
            let pool = ForkPool(workers: workers, options: options)
            switch kind {
            case .residentPlain:
                try use(
                    pool.resident { (item: Item) throws -> Int in
                        try item.act()
                        return item.answer
                    }, { $0 }, \.answer)
            case .residentCoded, .residentStream:
                try use(
                    pool.resident { (box: BoxedItem) throws -> String in
                        try box.item.act()
                        return box.item.text
                    }, { BoxedItem(item: $0) }, \.text)
            default:
                var options = options
                options.setUp = nil
                let pool = ForkPool(workers: workers, options: options)
                try use(
                    pool.resident(WildJob(), start: kind == .exec ? .exec : .fork), { BoxedItem(item: $0) }, \.text)
            }
        } catch {
            FuzzChild.fail("\(kind): no pool: \(error)")
        }
    }

    private func use<I, R: Equatable>(
        _ pool: ForkPool.Resident<I, R>, _ input: (Item) -> I, _ right: (Item) -> R
    ) {
        for (round, scribbles) in [true, true, false, false].enumerated() {
            let items = tasks(round, scribbles)
            let inputs = items.map(input)
            switch (kind, round) {
            case (.residentStream, _):
                let stream = pool.stream(inputs, order: round % 2 == 0 ? .input : .completion)
                check(stream, items, scribbles, right)
            case (_, 1):
                let calls = inputs.prefix(20).map { pool.submit($0) }
                let results = calls.map { call in Result { () throws(ForkPool.Failure) in try call.wait() } }
                check(results, Array(items.prefix(20)), scribbles, right)
            default: check(pool.mapResults(inputs), items, scribbles, right)
            }
        }
        if iteration % 2 == 0 { pool.close() } else { pool.cancel() }
    }
}

extension Plan {
    private func check<R>(
        _ stream: ForkPool.Stream<R>, _ items: [Item], _ scribbles: Bool, _ right: (Item) -> R
    ) where R: Equatable {
        var results: [Result<R, ForkPool.Failure>?] = Array(repeating: nil, count: items.count)
        for (index, result) in stream as any Sequence<(index: Int, result: Result<R, ForkPool.Failure>)> {
            guard index < items.count, results[index] == nil else {
                if case .failure = result { continue }
                FuzzChild.fail("\(kind): element \(index) comes twice")
            }
            results[index] = result
        }
        for (item, result) in zip(items, results) {
            if let result { check(result, item, scribbles, right) }
        }
        guard results.contains(where: { $0 == nil }) else { return }
        let isRefused = results.contains { if case .failure? = $0 { true } else { false } }
        if !isRefused { FuzzChild.fail("\(kind): elements are missing without a failure") }
    }

    private func check<R>(
        _ results: [Result<R, ForkPool.Failure>], _ items: [Item], _ scribbles: Bool, _ right: (Item) -> R
    ) where R: Equatable {
        guard results.count == items.count else {
            FuzzChild.fail("\(kind): \(results.count) of \(items.count) results")
        }
        for (item, result) in zip(items, results) { check(result, item, scribbles, right) }
    }

    private func check<R>(
        _ result: Result<R, ForkPool.Failure>, _ item: Item, _ scribbles: Bool, _ right: (Item) -> R
    ) where R: Equatable {
        switch result {
        case .success(let value):
            // While an item scribbles, any value of the type is allowed.
            if String(describing: value).utf8.count < 0 || value != right(item), !scribbles {
                FuzzChild.fail("\(kind): item \(item.number) of round \(item.round) is wrong: \(value)")
            }
        case .failure(let failure):
            if failure.description.isEmpty { FuzzChild.fail("\(kind): a failure says nothing") }
        }
    }
}

extension Result where Failure == ForkPool.Failure {
    /// The outcomes of a map of `count` items.
    fileprivate func all<R>(_ count: Int) -> [Result<R, ForkPool.Failure>] where Success == [R] {
        switch self {
        case .success(let values): values.map { .success($0) }
        case .failure(let failure): (0..<count).map { _ in .failure(failure) }
        }
    }
}

extension Array {
    /// A sequence with elements that are sent to the workers.
    fileprivate func makeStream() -> AnySequence<Element> { AnySequence(self) }
}

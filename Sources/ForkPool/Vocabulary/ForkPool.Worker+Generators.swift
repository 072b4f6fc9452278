// SPDX-License-Identifier: Apache-2.0
extension ForkPool.Worker {
    /// The seed of this worker process: no other worker of its map or resident pool has it, on any host of a cluster, nor has the
    /// process that replaces this one.
    ///
    /// It comes from `Options.seed`, the worker's index, the number of its host and of the processes that were this worker
    /// before. So with a seed in the options the workers of two maps have the same seeds, one after the other or at once;
    /// without one all differ.
    /// Which worker takes which items changes from run to run; for a run that can be repeated use `itemGenerator`.
    public var seed: UInt64 { numbers.worker(index) }

    /// A generator for this worker process, at its start.
    ///
    /// A generator is a value, so make it once: `state: { ForkPool.worker!.generator }`.
    public var generator: ForkPool.Generator { ForkPool.Generator(seed: seed) }

    /// A generator for the item that the worker is on, at its start; the worker's `generator` outside of an item.
    ///
    /// Its numbers depend on nothing but the seed and the item: not on the worker, on the number of workers, on chunks or on
    /// how often the item ran before. An item is known by its index in a map, a `fill` or a stream of a `ForkPool`. In a
    /// resident pool it is known by the number of its call too, in the order of submission: the first map, stream or single
    /// call has the numbers of a one-shot map, and each further one has others.
    public var itemGenerator: ForkPool.Generator {
        numbers.item.map { ForkPool.Generator(seed: numbers.call, item: $0) } ?? generator
    }
}

extension ForkPool.Worker: Equatable {
    /// Compares the index, the process and the attempt.
    ///
    /// - Parameters:
    ///   - one: A worker.
    ///   - other: Another worker.
    /// - Returns: Whether they are equal.
    public static func == (one: Self, other: Self) -> Bool {
        one.index == other.index && one.pid == other.pid && one.attempt == other.attempt
    }
}

// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc

/// Feeds the decoder and the reader of failures bytes that no encoder wrote.
enum DecoderFuzz {
    /// The most memory that the process may have, in bytes.
    private static let memory: rlim_t = 3 << 30
    /// The longest that one message may take, in seconds of processor time.
    private static let longest = 10.0
    /// The processor time of this thread in seconds; on a busy machine wall-clock time says nothing.
    private static var used: Double {
        var time = timespec()
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
    /// The stack of the thread that decodes, as small as a system thread's of the runtime, in bytes.
    private static let stack = 512 << 10
    /// The room for a message, in bytes.
    private static let room = 4 << 20

    static func run(_ order: FuzzOrder) -> Never {
        FuzzChild.limit(RLIMIT_AS, memory)
        FuzzChild.limit(RLIMIT_CORE, 0)
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        unsafe pthread_attr_setstacksize(&attributes, stack)
        var thread = pthread_t()
        let context = UnsafeMutablePointer<FuzzOrder>.allocate(capacity: 1)
        unsafe context.initialize(to: order)
        let error = unsafe pthread_create(
            &thread, &attributes,
            { context in
                let order = unsafe context!.assumingMemoryBound(to: FuzzOrder.self).pointee
                let cage = Cage()
                FuzzChild.loop(order) { iteration in Self.run(order.seed, iteration, cage) }
            }, context)
        guard error == 0 else { FuzzChild.fail("no thread: errno \(error)") }
        pthread_join(thread, nil)
        exit(1)
    }

    /// Tries a handful of messages.
    private static func run(_ seed: UInt64, _ iteration: Int, _ cage: Cage) {
        var dice = Dice(seed, iteration)
        let kind = dice.below(Samples.kinds)
        guard let sample = try? Samples.bytes(kind, &dice),
            let other = try? Samples.bytes(dice.below(Samples.kinds), &dice)
        else { FuzzChild.fail("a sample cannot be encoded") }
        for _ in 0..<20 {
            var bytes = sample
            if dice.oneIn(20) { bytes = (0..<dice.below(64)).map { _ in UInt8(truncatingIfNeeded: dice.next()) } }
            Mutations.apply(to: &bytes, other, &dice)
            let start = Self.used
            let place = unsafe cage.place(bytes, atEnd: dice.oneIn(2))
            _ = unsafe Samples.decode(kind, UnsafeRawBufferPointer(place))
            _ = unsafe Samples.decode(dice.below(Samples.kinds), UnsafeRawBufferPointer(place))
            let newest = dice.oneIn(2) ? 1 : Int(truncatingIfNeeded: dice.edge())
            let told = unsafe WireProbe.failures(in: place, newest: newest, count: 40)
            if told != 40 { FuzzChild.fail("\(told) of 40 failures are told") }
            let time = Self.used - start
            if time > longest { FuzzChild.fail("\(bytes.count) bytes took \(time) s") }
        }
    }
}

/// Memory between inaccessible pages, so that a read outside of a message ends the process.
@safe struct Cage {
    private static let room = 4 << 20
    private static let page = 4096
    private let base: UnsafeMutableRawPointer

    init() {
        let flags = MAP_PRIVATE | MAP_ANONYMOUS
        let mapped = unsafe mmap(nil, Self.room + 2 * Self.page, PROT_NONE, flags, -1, 0)
        guard let mapped = unsafe mapped, unsafe mapped != MAP_FAILED else { FuzzChild.fail("no memory") }
        unsafe base = mapped + Self.page
        unsafe mprotect(base, Self.room, PROT_READ | PROT_WRITE)
    }

    /// Copies bytes to the end of the memory, or to its beginning.
    func place(_ bytes: [UInt8], atEnd: Bool) -> UnsafeMutableRawBufferPointer {
        let count = min(bytes.count, Self.room)
        let place = unsafe UnsafeMutableRawBufferPointer(start: base + (atEnd ? Self.room - count : 0), count: count)
        unsafe place.copyBytes(from: bytes.prefix(count))
        return unsafe place
    }
}

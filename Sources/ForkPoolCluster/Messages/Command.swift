// SPDX-License-Identifier: Apache-2.0
internal import ForkPool

/// What the root tells the other ranks.
enum Command {
    /// All ranks run the same program. So many of them share the processors of this one; the names are those of all hosts.
    case welcome(sharers: Int, hosts: [String])
    /// All ranks make the same call: it begins, with so many items to run.
    case begin(Int)
    /// The call is refused, on all ranks; and whether all later ones are.
    case refuse(ForkPool.Failure, isFinal: Bool)
    /// Run these items, as many ranges of them as the host has room for.
    case run([Range<Int>])
    /// End the ranges that begin above an item.
    case stop(above: Int)
    /// Some of the failures that go with the results.
    case failures([ForkPool.Failure])
    /// Every item has its outcome; so many bytes of coded results go with the results.
    case end(codedBytes: Int)
    /// The map fails, on all ranks.
    case fail(ForkPool.Failure)

    private enum Kind: Int {
        case welcome, begin, refuse, refuseFinally, run, stop, failures, end, fail
    }

    /// Three words: the kind and two numbers; and then ranges, or what is coded.
    var bytes: [UInt8] {
        switch self {
        case .welcome(let sharers, let hosts): Self.bytes(.welcome, sharers, 0) + HostCoding.bytes(of: hosts)
        case .begin(let number): Self.bytes(.begin, number, 0)
        case .refuse(let failure, let isFinal):
            Self.bytes(isFinal ? .refuseFinally : .refuse, 0, 0) + HostCoding.bytes(of: failure)
        case .run(let ranges): Self.bytes(.run, ranges.count, 0) + Self.bytes(of: ranges)
        case .stop(let item): Self.bytes(.stop, item, 0)
        case .failures(let failures): Self.bytes(.failures, 0, 0) + HostCoding.bytes(of: failures)
        case .end(let codedBytes): Self.bytes(.end, codedBytes, 0)
        case .fail(let failure): Self.bytes(.fail, 0, 0) + HostCoding.bytes(of: failure)
        }
    }

    /// Reads a command; nil if the bytes are none, as those of another program.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= 24, let kind = Kind(rawValue: Self.word(0, bytes)) else { return nil }
        let (first, rest) = (Self.word(1, bytes), bytes[24...])
        switch kind {
        case .welcome:
            guard let hosts = HostCoding.value(of: [String].self, from: rest) else { return nil }
            self = .welcome(sharers: first, hosts: hosts)
        case .begin: self = .begin(first)
        case .run:
            guard let ranges = Self.ranges(first, bytes) else { return nil }
            self = .run(ranges)
        case .stop: self = .stop(above: first)
        case .failures:
            guard let failures = HostCoding.value(of: [ForkPool.Failure].self, from: rest) else { return nil }
            self = .failures(failures)
        case .end: self = .end(codedBytes: first)
        case .refuse, .refuseFinally, .fail:
            guard let failure = HostCoding.value(of: ForkPool.Failure.self, from: rest) else { return nil }
            self = kind == .fail ? .fail(failure) : .refuse(failure, isFinal: kind == .refuseFinally)
        }
    }

    private static func bytes(_ kind: Kind, _ first: Int, _ second: Int) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: 24) { buffer, count in
            let words = UnsafeMutableRawBufferPointer(buffer)
            unsafe words.storeBytes(of: kind.rawValue, toByteOffset: 0, as: Int.self)
            unsafe words.storeBytes(of: first, toByteOffset: 8, as: Int.self)
            unsafe words.storeBytes(of: second, toByteOffset: 16, as: Int.self)
            count = 24
        }
    }

    /// Two words for each range.
    private static func bytes(of ranges: [Range<Int>]) -> [UInt8] {
        unsafe ranges.flatMap { [$0.lowerBound, $0.upperBound] }.withUnsafeBytes { unsafe Array($0) }
    }

    private static func ranges(_ count: Int, _ bytes: [UInt8]) -> [Range<Int>]? {
        guard count >= 0, count <= bytes.count, bytes.count == 24 + 16 * count else { return nil }
        var ranges: [Range<Int>] = []
        for place in 0..<count {
            let (start, end) = (word(3 + 2 * place, bytes), word(4 + 2 * place, bytes))
            guard start <= end else { return nil }
            ranges.append(start..<end)
        }
        return ranges
    }

    private static func word(_ place: Int, _ bytes: [UInt8]) -> Int {
        unsafe bytes.withUnsafeBytes { unsafe $0.loadUnaligned(fromByteOffset: 8 * place, as: Int.self) }
    }
}

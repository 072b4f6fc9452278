// SPDX-License-Identifier: Apache-2.0
#if Command
/// An incremental XXH64 hash.
///
/// It is fast and finds changed files, but does not withstand an attacker. The specification is
/// https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md.
struct XXH64 {
    private static let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
    private static let prime2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
    private static let prime3: UInt64 = 0x1656_67B1_9E37_79F9
    private static let prime4: UInt64 = 0x85EB_CA77_C2B2_AE63
    private static let prime5: UInt64 = 0x27D4_EB2F_1656_67C5
    private static let stripe = 32

    private let seed: UInt64
    private var lanes: (UInt64, UInt64, UInt64, UInt64)
    private var length: UInt64 = 0
    /// The bytes after the last complete stripe.
    private var tail: [UInt8] = []

    /// Creates the hash of no bytes.
    ///
    /// - Parameter seed: The seed of the hash.
    init(seed: UInt64 = 0) {
        self.seed = seed
        lanes = (seed &+ Self.prime1 &+ Self.prime2, seed &+ Self.prime2, seed, seed &- Self.prime1)
        tail.reserveCapacity(Self.stripe)
    }

    /// Adds the next bytes.
    mutating func update(_ bytes: Span<UInt8>) {
        length &+= UInt64(bytes.count)
        var position = 0
        if !tail.isEmpty {
            position = min(Self.stripe - tail.count, bytes.count)
            for index in 0..<position { tail.append(bytes[index]) }
            guard tail.count == Self.stripe else { return }
            let full = tail
            _ = Self.mix(full.span, from: 0, into: &lanes)
            tail.removeAll(keepingCapacity: true)
        }
        position = Self.mix(bytes, from: position, into: &lanes)
        for index in position..<bytes.count { tail.append(bytes[index]) }
    }

    /// The hash of all bytes so far.
    var digest: UInt64 {
        var hash = length >= UInt64(Self.stripe) ? Self.merged(lanes) : seed &+ Self.prime5
        hash &+= length
        let tail = tail.span
        var position = 0
        while position + 8 <= tail.count {
            hash ^= Self.round(0, Self.word(tail, position))
            hash = Self.rotated(hash, 27) &* Self.prime1 &+ Self.prime4
            position += 8
        }
        if position + 4 <= tail.count {
            hash ^= Self.word(tail, position, bytes: 4) &* Self.prime1
            hash = Self.rotated(hash, 23) &* Self.prime2 &+ Self.prime3
            position += 4
        }
        while position < tail.count {
            hash ^= UInt64(tail[position]) &* Self.prime5
            hash = Self.rotated(hash, 11) &* Self.prime1
            position += 1
        }
        hash = (hash ^ (hash >> 33)) &* Self.prime2
        hash = (hash ^ (hash >> 29)) &* Self.prime3
        return hash ^ (hash >> 32)
    }

    /// Mixes in complete stripes, and returns where the rest begins.
    private static func mix(
        _ bytes: Span<UInt8>,
        from start: Int,
        into lanes: inout (UInt64, UInt64, UInt64, UInt64)
    ) -> Int {
        var position = start
        var (lane1, lane2, lane3, lane4) = lanes
        while position + stripe <= bytes.count {
            lane1 = round(lane1, word(bytes, position))
            lane2 = round(lane2, word(bytes, position + 8))
            lane3 = round(lane3, word(bytes, position + 16))
            lane4 = round(lane4, word(bytes, position + 24))
            position += stripe
        }
        lanes = (lane1, lane2, lane3, lane4)
        return position
    }

    private static func merged(_ lanes: (UInt64, UInt64, UInt64, UInt64)) -> UInt64 {
        var hash = rotated(lanes.0, 1) &+ rotated(lanes.1, 7) &+ rotated(lanes.2, 12) &+ rotated(lanes.3, 18)
        for lane in [lanes.0, lanes.1, lanes.2, lanes.3] {
            hash = (hash ^ round(0, lane)) &* prime1 &+ prime4
        }
        return hash
    }

    @inline(__always)
    private static func round(_ lane: UInt64, _ word: UInt64) -> UInt64 {
        rotated(lane &+ word &* prime2, 31) &* prime1
    }

    @inline(__always)
    private static func rotated(_ word: UInt64, _ bits: UInt64) -> UInt64 {
        word &<< bits | word &>> (64 - bits)
    }

    /// Reads a little-endian word.
    @inline(__always)
    private static func word(_ bytes: Span<UInt8>, _ position: Int) -> UInt64 {
        unsafe UInt64(littleEndian: bytes.bytes.unsafeLoadUnaligned(fromByteOffset: position, as: UInt64.self))
    }

    /// Reads a little-endian word of fewer bytes.
    private static func word(_ bytes: Span<UInt8>, _ position: Int, bytes count: Int) -> UInt64 {
        (0..<count).reduce(0) { $0 | UInt64(bytes[position + $1]) << UInt64(8 * $1) }
    }
}
#endif

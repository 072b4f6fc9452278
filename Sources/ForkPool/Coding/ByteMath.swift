// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Compares, hashes and sums memory of any alignment.
enum ByteMath {
    @inline(__always)
    static func areEqual(_ left: UnsafeRawPointer, _ right: UnsafeRawPointer, count: Int) -> Bool {
        unsafe memcmp(left, right, count) == 0
    }

    /// Hashes a key's bytes: fast, and without defence against keys chosen to collide.
    static func hash(_ raw: UnsafeRawBufferPointer) -> UInt32 {
        var state = UInt64(truncatingIfNeeded: raw.count) &* 0x9E37_79B9_7F4A_7C15
        var offset = 0
        while raw.count &- offset >= 8 {
            state = (state ^ (unsafe raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self))) &* multiplier
            state ^= state >> 29
            offset &+= 8
        }
        var tail: UInt64 = 0
        while offset < raw.count {
            tail = unsafe tail << 8 | UInt64(raw[offset])
            offset &+= 1
        }
        state = (state ^ tail) &* multiplier
        return UInt32(truncatingIfNeeded: state >> 32)
    }

    /// Sums memory in four lanes; a change of one word always changes the sum.
    ///
    /// - Complexity: O(*n*), at about the speed of memory.
    static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var lanes = SIMD4<UInt64>(1, 2, 3, 4)
        var offset = 0
        while bytes.count &- offset >= 32 {
            for lane in 0..<4 {
                let word = unsafe bytes.loadUnaligned(fromByteOffset: offset &+ lane &* 8, as: UInt64.self)
                lanes[lane] = mix(lanes[lane], word)
            }
            offset &+= 32
        }
        while offset < bytes.count {
            lanes[0] = mix(lanes[0], unsafe UInt64(bytes[offset]))
            offset &+= 1
        }
        var sum = UInt64(truncatingIfNeeded: bytes.count)
        for lane in 0..<4 { sum = mix(sum, lanes[lane]) }
        return sum
    }

    private static let multiplier: UInt64 = 0xD6E8_FEB8_6659_FD93

    @inline(__always)
    private static func mix(_ state: UInt64, _ word: UInt64) -> UInt64 {
        let mixed = (state ^ word) &* multiplier
        return mixed ^ mixed >> 32
    }
}

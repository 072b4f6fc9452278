// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc

/// Writes where a wild write of a body could, into whatever memory a worker shares with its parent.
@safe struct Scribbler {
    private static let page = 4096

    /// The shared pages that are in use.
    private let pages: [UnsafeMutableRawPointer]

    nonisolated(unsafe) private static var known: (process: pid_t, uses: Int, scribbler: Scribbler)?

    /// The scribbler of this process, which refreshes its list of used pages now and then.
    static var current: Scribbler {
        if let found = unsafe known, found.process == getpid(), found.uses < 10 {
            unsafe known?.uses += 1
            return found.scribbler
        }
        let scribbler = Scribbler()
        unsafe known = (getpid(), 0, scribbler)
        return scribbler
    }

    /// Finds what this process shares now.
    init() {
        unsafe pages = Self.sharedParts().flatMap { Self.windows(of: $0) }.flatMap { unsafe Self.used($0) }
    }

    /// Writes once or more often.
    func scribble(_ dice: inout Dice) {
        guard unsafe !pages.isEmpty else { return }
        for _ in 0...dice.below(dice.oneIn(5) ? 40 : 4) {
            // The first pages hold the control data.
            let page = unsafe pages[dice.oneIn(2) ? dice.below(min(pages.count, 14)) : dice.below(pages.count)]
            unsafe write(in: page, &dice)
        }
    }

    private func write(in page: UnsafeMutableRawPointer, _ dice: inout Dice) {
        let words = unsafe page.assumingMemoryBound(to: UInt64.self)
        var word = dice.below(Self.page / 8)
        if !dice.oneIn(4) {
            // A page that is not zero is in use.
            for _ in 0..<Self.page / 8 where unsafe words[word] == 0 { word = (word + 1) % (Self.page / 8) }
        }
        let place = unsafe page + word * 8
        switch dice.below(10) {
        case 0, 1, 2: unsafe words[word] = dice.edge()
        case 3: unsafe words[word] ^= 1 << UInt64(dice.below(64))
        case 4: unsafe words[word] &+= UInt64(bitPattern: Int64(dice.below(9) - 4))
        case 5: unsafe words[word] = words[dice.below(Self.page / 8)]
        case 6: unsafe (place + dice.below(8)).storeBytes(of: UInt8(truncatingIfNeeded: dice.edge()), as: UInt8.self)
        case 7:
            let half = unsafe place + 4 * dice.below(2)
            unsafe half.storeBytes(of: UInt32(truncatingIfNeeded: dice.edge()), as: UInt32.self)
        case 8:
            let count = min(dice.oneIn(3) ? Self.page : 8 << dice.below(6), Self.page - word * 8)
            unsafe memset(place, Int32([0, 1, 2, 3, 255][dice.below(5)]), count)
        default:
            for step in word..<min(Self.page / 8, word + 1 + dice.below(16)) { unsafe words[step] = dice.edge() }
        }
    }
}

extension Scribbler {
    /// A part of the address space.
    private typealias Part = Range<UInt>

    /// The parts that are shared with other processes and have no name.
    private static func sharedParts() -> [Part] {
        var parts: [Part] = []
        guard let file = unsafe fopen("/proc/self/maps", "re") else { return [] }
        defer { unsafe fclose(file) }
        var line = [CChar](repeating: 0, count: 512)
        while unsafe fgets(&line, 512, file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            guard text.contains("/dev/zero") || text.contains("/memfd:"), text.contains(" rw-s ") else { continue }
            let bounds = text.prefix { $0 != " " }.split(separator: "-").compactMap { UInt($0, radix: 16) }
            if bounds.count == 2 { parts.append(bounds[0]..<bounds[1]) }
        }
        return parts
    }

    /// The pages to look at in a part that is too large for all: at either end, and near the starts of arenas of sizes
    /// that the library asks for.
    private static func windows(of part: Part) -> [Part] {
        let (before, after) = (UInt(256 << 10), UInt(1 << 20))
        var windows = [part.lowerBound..<min(part.upperBound, part.lowerBound + (20 << 20))]
        for size in [0, UInt(16 << 20), UInt(16 << 30), UInt(32 << 30)] where UInt(part.count) > size + (21 << 20) {
            let middle = part.upperBound - size
            windows.append(middle - before..<min(middle + after, part.upperBound))
        }
        return windows
    }

    /// The pages of a part that hold something.
    private static func used(_ part: Part) -> [UnsafeMutableRawPointer] {
        let count = part.count / page
        var present = [UInt8](repeating: 0, count: count)
        guard let start = unsafe UnsafeMutableRawPointer(bitPattern: part.lowerBound),
            unsafe mincore(start, part.count, &present) == 0
        else { return unsafe [] }
        var pages: [UnsafeMutableRawPointer] = unsafe []
        var number = 0
        while number < count {
            if present[number] & 1 == 1 { unsafe pages.append(start + number * page) }
            number += 1
        }
        return unsafe pages
    }
}

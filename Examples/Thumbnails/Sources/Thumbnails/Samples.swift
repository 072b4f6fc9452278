// SPDX-License-Identifier: Apache-2.0
import ForkPool
import Foundation

/// Files to make thumbnails of: some good ones, and of each kind some that are not.
enum Samples {
    /// The number of good pictures of each of the two large kinds.
    static let count = 20

    /// Writes the files; the names of the bad ones begin with "bad".
    static func write(to folder: String) throws {
        try ForkPool().forEach(0..<count) { number in
            try picture(number).write(png: "\(folder)/\(number).png")
            try picture(number).write(jpeg: "\(folder)/\(number).jpg")
        }
        func write(_ name: String, _ bytes: [UInt8]) throws {
            try Data(bytes).write(to: URL(filePath: "\(folder)/\(name)"))
        }
        for kind in ["png", "jpg"] {
            let good = try [UInt8](Data(contentsOf: URL(filePath: "\(folder)/0.\(kind)")))
            try write("bad-cut.\(kind)", Array(good[..<(good.count / 2)]))
            try write("bad-bytes.\(kind)", good[..<160] + Array(repeating: 0xAA, count: 40) + good[200...])
            try write("bad-empty.\(kind)", [])
            try write("bad-text.\(kind)", Array("not a picture at all".utf8))
        }
        // Two colours, in turn.
        let pixels = (0..<480 * 320).map { UInt8($0 % 2) }
        try write("good.old", Array("480 320 2\n".utf8) + [200, 0, 0, 100, 0, 0] + pixels)
        try write("bad-without-colours.old", Array("480 320 0\n".utf8) + pixels)
        try write("bad-text.old", Array("not a picture at all".utf8))
    }

    /// A picture whose left half has a red of its own, and whose right half has many colours.
    static func picture(_ number: Int) -> Picture {
        let (width, height) = (1200, 800)
        var pixels: [UInt8] = []
        pixels.reserveCapacity(width * height * 3)
        for y in 0..<height {
            for x in 0..<width {
                if x < width / 2 {
                    pixels += [red(number), 0, UInt8(y * 255 / height)]
                } else {
                    pixels += [UInt8((x * y >> 8) & 255), UInt8((x + number * 9) & 255), UInt8((y * number) & 255)]
                }
            }
        }
        return Picture(width: width, height: height, pixels: pixels)
    }

    /// The red of the left half.
    static func red(_ number: Int) -> UInt8 { UInt8(number * 10 + 20) }
}

// SPDX-License-Identifier: Apache-2.0
import CPNG
import CPictures
import Foundation

/// A picture of red, green and blue bytes, row by row.
struct Picture {
    var width: Int
    var height: Int
    var pixels: [UInt8]

    /// A file has no picture, or none that can be read to its end.
    struct Unreadable: Error, Codable, CustomStringConvertible {
        var description: String
    }

    /// Reads a file; the end of its name says how.
    init(path: String) throws {
        switch path.split(separator: ".").last {
        case "png": try self.init(png: path)
        case "jpg": try self.init(path, cpictures_read_jpeg)
        case "old": try self.init(path, cpictures_read_legacy)
        default: throw Unreadable(description: "no name of a picture")
        }
    }

    /// Creates a picture from its parts.
    init(width: Int, height: Int, pixels: [UInt8]) {
        self.width = width
        self.height = height
        self.pixels = pixels
    }

    private init(png path: String) throws {
        var image = png_image()
        image.version = png_uint_32(PNG_IMAGE_VERSION)
        guard png_image_begin_read_from_file(&image, path) != 0 else { throw Unreadable(image) }
        image.format = png_uint_32(PNG_FORMAT_RGB)
        width = Int(image.width)
        height = Int(image.height)
        pixels = [UInt8](repeating: 0, count: width * height * 3)
        guard png_image_finish_read(&image, nil, &pixels, 0, nil) != 0 else { throw Unreadable(image) }
    }

    private init(
        _ path: String, _ read: (UnsafePointer<CChar>, UnsafeMutablePointer<cpictures_picture>) -> Bool
    ) throws {
        var picture = cpictures_picture()
        guard read(path, &picture) else { throw Unreadable(picture) }
        defer { free(picture.pixels) }
        width = Int(picture.width)
        height = Int(picture.height)
        pixels = Array(UnsafeBufferPointer(start: picture.pixels, count: width * height * 3))
    }

    /// Returns the picture made smaller, so that its longer side has at most so many pixels.
    func thumbnail(side: Int) -> Picture {
        let step = max(1, (max(width, height) + side - 1) / side)
        var small = Picture(width: width / step, height: height / step, pixels: [])
        small.pixels.reserveCapacity(small.width * small.height * 3)
        for row in 0..<small.height {
            for column in 0..<small.width {
                for channel in 0..<3 {
                    var sum = 0
                    for y in row * step..<(row + 1) * step {
                        for x in column * step..<(column + 1) * step {
                            sum += Int(pixels[(y * width + x) * 3 + channel])
                        }
                    }
                    small.pixels.append(UInt8(sum / (step * step)))
                }
            }
        }
        return small
    }

    /// Writes a PNG file.
    func write(png path: String) throws {
        var image = png_image()
        image.version = png_uint_32(PNG_IMAGE_VERSION)
        image.format = png_uint_32(PNG_FORMAT_RGB)
        image.width = png_uint_32(width)
        image.height = png_uint_32(height)
        guard png_image_write_to_file(&image, path, 0, pixels, 0, nil) != 0 else { throw Unreadable(image) }
    }

    /// Writes a JPEG file.
    func write(jpeg path: String) throws {
        var copy = pixels
        try copy.withUnsafeMutableBufferPointer { pixels in
            var picture = cpictures_picture()
            picture.width = Int32(width)
            picture.height = Int32(height)
            picture.pixels = pixels.baseAddress
            guard cpictures_write_jpeg(path, &picture) else { throw Unreadable(picture) }
        }
    }
}

extension Picture.Unreadable {
    /// What libpng says.
    fileprivate init(_ image: png_image) {
        self.init(description: withUnsafeBytes(of: image.message) { text(in: $0) })
    }

    /// What libjpeg says.
    fileprivate init(_ picture: cpictures_picture) {
        self.init(description: withUnsafeBytes(of: picture.message) { text(in: $0) })
    }
}

/// The text of a C array, which ends with a zero.
private func text(in bytes: UnsafeRawBufferPointer) -> String {
    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
}

// SPDX-License-Identifier: Apache-2.0
import ExampleSupport
import ForkPool
import Foundation

/// Makes thumbnails of the pictures of a folder, whatever is wrong with some of them: `Thumbnails [FOLDER]`.
@main
struct Thumbnails {
    /// A thumbnail as it comes back from a worker.
    struct Thumbnail: Codable, Equatable {
        var width: Int
        var height: Int
        var pixels: [UInt8]
    }

    /// The work of one file.
    static func makeThumbnail(of path: String) throws -> Thumbnail {
        let small = try Picture(path: path).thumbnail(side: 160)
        return Thumbnail(width: small.width, height: small.height, pixels: small.pixels)
    }

    /// The whole work: each file has an outcome of its own, and no file can end this program.
    static func makeThumbnails(of paths: [String]) -> [Result<Thumbnail, ForkPool.Failure>] {
        // A file may also make a decoder hang, or have it allocate without end.
        let options = ForkPool.Options(timeout: .seconds(30), memoryLimit: 1 << 30)
        return ForkPool(options: options).mapResults(paths) { path in try makeThumbnail(of: path) }
    }

    static func main() async throws {
        guard CommandLine.arguments.count <= 2 else {
            print("usage: Thumbnails [FOLDER]")
            exit(64)
        }
        if let folder = CommandLine.arguments.dropFirst().first {
            try convert(folder)
        } else {
            try await show()
        }
    }

    /// Returns the pictures of a folder.
    private static func pictures(in folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
            .filter { name in ["png", "jpg", "old"].contains { name.hasSuffix(".\($0)") } }
            .map { "\(folder)/\($0)" }
    }

    /// Writes thumbnails into a folder within the folder of the pictures.
    private static func convert(_ folder: String) throws {
        let paths: [String]
        do {
            paths = try pictures(in: folder)
        } catch {
            print("\(folder) cannot be read: \(error.localizedDescription)")
            exit(66)
        }
        try FileManager.default.createDirectory(atPath: "\(folder)/thumbnails", withIntermediateDirectories: true)
        for (path, outcome) in zip(paths, makeThumbnails(of: paths)) {
            let name = path.split(separator: "/").last ?? ""
            switch outcome {
            case .success(let made):
                try Picture(width: made.width, height: made.height, pixels: made.pixels)
                    .write(png: "\(folder)/thumbnails/\(name).png")
            case .failure(let failure): print("\(name): \(failure)")
            }
        }
        print(paths.count, "pictures")
    }

    /// Does it with files of its own.
    private static func show() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "thumbnails-\(getpid())").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Samples.write(to: folder)

        var expectations = Expectations()
        let paths = try pictures(in: folder)
        let outcomes = makeThumbnails(of: paths)
        var codes: [String: ForkPool.Failure.Code] = [:]
        var made: [String: Thumbnail] = [:]
        for (path, outcome) in zip(paths, outcomes) {
            let name = String(path.dropFirst(folder.count + 1))
            switch outcome {
            case .success(let thumbnail): made[name] = thumbnail
            case .failure(let failure):
                codes[name] = failure.code
                print("       \(name): \(failure)")
            }
        }
        expectations.expect(
            codes.count == 10 && codes.allSatisfy { $0.key.hasPrefix("bad") },
            "\(codes.count) bad files have a message each")
        expectations.expect(
            codes["bad-without-colours.old"] == .crashed && codes["bad-text.old"] == .crashed
                && codes.values.count { $0 == .thrown } == 8, "8 errors are thrown, 2 files crash the decoder")
        let right = (0..<Samples.count).count { number in
            ["png", "jpg"].allSatisfy { kind in
                guard let thumbnail = made["\(number).\(kind)"] else { return false }
                let difference = Int(thumbnail.pixels[3 * 150 * 30]) - Int(Samples.red(number))
                return thumbnail.width == 150 && thumbnail.height == 100 && abs(difference) <= 3
            }
        }
        expectations.expect(
            right == Samples.count && made["good.old"]?.pixels.first == 166,
            "\(made.count) good files have a thumbnail each, with the right colours")

        let good = paths.filter { !$0.hasPrefix("\(folder)/bad") }
        let results = try await compare(
            "the \(good.count) good files",
            [
                Way("sequential") { try good.map { try makeThumbnail(of: $0) } },
                Way("ForkPool") { try await ForkPool().map(good) { try makeThumbnail(of: $0) } },
                Way("task group, which would end with the first crash") {
                    try await withThrowingTaskGroup { group in
                        for path in good { group.addTask { (path, try makeThumbnail(of: path)) } }
                        let made = try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
                        return good.compactMap { made[$0] }
                    }
                },
            ])
        expectations.expect(results.allSatisfy { $0 == results[0] }, "all of them make the same")
        try? FileManager.default.removeItem(atPath: folder)
        expectations.finish()
    }
}

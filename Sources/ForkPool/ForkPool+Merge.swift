// SPDX-License-Identifier: Apache-2.0

extension ForkPool {
    /// Puts the results of the shards of a map together, from their journals.
    ///
    /// ```swift
    /// let paths = (0..<4).map { "out/\($0).journal" }
    /// // let whole: [Double] = try ForkPool.merge(journals: paths, as: Double.self)
    /// ```
    ///
    /// - Parameters:
    ///   - paths: The paths of the journals, in any order.
    ///   - type: The type of the results, which is that of the maps.
    ///   - key: The key that the maps were given.
    /// - Returns: A result for each item of the whole job, in input order.
    /// - Throws: `journalFailed` if a journal cannot be read, is in use or is of another job, if two have different results of
    ///   one item, or if results are missing: the message lists them. `notDecodable`, with its index, for a result that cannot
    ///   be decoded.
    public static func merge<R: Codable>(
        journals paths: [String], as type: R.Type, key: String = ""
    ) throws(Failure) -> [R] {
        let merged = unsafe try GatheredResults.merge(paths, of: type, key: key) { bytes in
            unsafe try BinaryDecoder.decode(type, from: bytes)
        }
        return merged.kind.isCoded ? try merged.decoded(as: type) : merged.array(of: type)
    }

    /// Puts `BitwiseCopyable` results together, as the overload for `Codable` results does.
    @_disfavoredOverload
    public static func merge<R: BitwiseCopyable>(
        journals paths: [String], as type: R.Type, key: String = ""
    ) throws(Failure) -> [R] {
        unsafe try GatheredResults.merge(paths, of: type, key: key, nil).array(of: type)
    }
}

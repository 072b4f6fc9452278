// SPDX-License-Identifier: Apache-2.0
extension ForkPool.Failure.Thrown {
    /// Decodes the error, if it is `Codable` and of this type.
    ///
    /// - Parameter type: The type of the error.
    /// - Returns: The error; nil if it is not `Codable` or does not decode as this type.
    public func decode<E: Error & Decodable>(as type: E.Type) -> E? {
        guard let payload else { return nil }
        return unsafe payload.withUnsafeBytes { unsafe try? BinaryDecoder.decode(type, from: $0) }
    }
}

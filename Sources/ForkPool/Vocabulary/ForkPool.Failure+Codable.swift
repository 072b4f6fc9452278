// SPDX-License-Identifier: Apache-2.0
/// A failure is coded by the names of its properties and of its code, which stay the same from version to version.
///
/// A later version may add keys and codes. An older one ignores a key that it does not know, and refuses a code that it
/// does not know. `Thrown.decode(as:)` gives an error back in a program with the same version of the library.
extension ForkPool.Failure: Codable {
    private enum Key: String, CodingKey {
        case code, index, host, pid, signal, exitStatus, errno, attempt, bodyRan, message, thrown
    }

    /// Decodes a failure.
    ///
    /// - Parameter decoder: The decoder to read from.
    /// - Throws: `DecodingError`, also for a code that this version does not know.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        self.init(
            try container.decode(Code.self, forKey: .code),
            index: try container.decodeIfPresent(Int.self, forKey: .index),
            try container.decode(String.self, forKey: .message))
        host = try container.decodeIfPresent(String.self, forKey: .host)
        pid = try container.decodeIfPresent(Int32.self, forKey: .pid)
        signal = try container.decodeIfPresent(Int32.self, forKey: .signal)
        exitStatus = try container.decodeIfPresent(Int32.self, forKey: .exitStatus)
        errno = try container.decodeIfPresent(Int32.self, forKey: .errno)
        attempt = try container.decode(Int.self, forKey: .attempt)
        bodyRan = try container.decode(BodyRan.self, forKey: .bodyRan)
        thrown = try container.decodeIfPresent(Thrown.self, forKey: .thrown)
    }

    /// Encodes the failure.
    ///
    /// - Parameter encoder: The encoder to write to.
    /// - Throws: The encoder's errors.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(code, forKey: .code)
        try container.encodeIfPresent(index, forKey: .index)
        try container.encodeIfPresent(host, forKey: .host)
        try container.encodeIfPresent(pid, forKey: .pid)
        try container.encodeIfPresent(signal, forKey: .signal)
        try container.encodeIfPresent(exitStatus, forKey: .exitStatus)
        try container.encodeIfPresent(errno, forKey: .errno)
        try container.encode(attempt, forKey: .attempt)
        try container.encode(bodyRan, forKey: .bodyRan)
        try container.encode(message, forKey: .message)
        try container.encodeIfPresent(thrown, forKey: .thrown)
    }
}

/// A code is coded by its name.
extension ForkPool.Failure.Code: Codable {
    /// Decodes a code.
    ///
    /// - Parameter decoder: The decoder to read from.
    /// - Throws: `DecodingError`, also for a code that this version does not know.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let name = try container.decode(String.self)
        guard let kind = Kind(rawValue: name) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "No failure has the code \(name) in this version.")
        }
        self.init(kind: kind)
    }

    /// Encodes the code.
    ///
    /// - Parameter encoder: The encoder to write to.
    /// - Throws: The encoder's errors.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(kind.rawValue)
    }
}

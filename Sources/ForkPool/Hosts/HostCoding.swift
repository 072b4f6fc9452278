// SPDX-License-Identifier: Apache-2.0

/// Values that go from host to host beside the results.
package enum HostCoding {
    /// The bytes of a value; none if it cannot be coded.
    package static func bytes<T: Encodable>(of value: T) -> [UInt8] {
        (try? WorkerError.bytes(of: value)) ?? []
    }

    /// The bytes of failures; of more than a message may have without the thrown errors, which their texts describe.
    package static func bytes(of failures: [ForkPool.Failure]) -> [UInt8] {
        (try? WorkerError.bytes(of: failures)) ?? (try? WorkerError.bytes(of: failures.map(\.withoutThrown))) ?? []
    }

    /// The bytes of a failure, in the same way.
    package static func bytes(of failure: ForkPool.Failure) -> [UInt8] {
        (try? WorkerError.bytes(of: failure)) ?? (try? WorkerError.bytes(of: failure.withoutThrown)) ?? []
    }

    /// The value of some bytes; nil if they are of no such value.
    package static func value<T: Decodable>(of type: T.Type, from bytes: ArraySlice<UInt8>) -> T? {
        unsafe bytes.withUnsafeBytes { unsafe try? BinaryDecoder.decode(type, from: $0) }
    }

    /// The name of a type, as it is in each process of a program.
    package static func name(of type: Any.Type) -> String { ResultKind.withoutAddresses(_typeName(type)) }

    /// A number that tells the program of this process from others: its size, and a checksum of its bytes.
    ///
    /// Reads the whole file, some milliseconds for tens of megabytes.
    package static func programBuild() throws(SystemError) -> String {
        let file = try OwnedFile("/proc/self/exe", writes: false)
        var (sum, size) = (UInt32(0), 0)
        while true {
            let bytes = try file.bytes(at: size, 1 << 20)
            guard !bytes.isEmpty else { return "\(size)-\(sum)" }
            sum = CRC32C.of(bytes[...], after: sum)
            size += bytes.count
        }
    }
}

extension ForkPool.Failure {
    /// The bytes of the error that a body threw.
    package var thrownSize: Int { thrown?.payload?.count ?? 0 }

    fileprivate var withoutThrown: Self {
        var failure = self
        failure.thrown = thrown.map { Thrown(description: $0.description, payload: nil) }
        return failure
    }
}

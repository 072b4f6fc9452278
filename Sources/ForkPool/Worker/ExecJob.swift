// SPDX-License-Identifier: Apache-2.0
/// The jobs of an exec worker, as they lie in the pool's memory; most pools have one.
struct ExecJob: Codable {
    struct Part: Codable {
        /// The mangled name of the job's type.
        let typeName: String
        let job: [UInt8]
    }

    let settings: WorkerSettings
    let parts: [Part]

    /// The sum of the bytes (FNV-1a), which shows whether a wild write changed them.
    static func checksum(_ bytes: [UInt8]) -> Int {
        let sum = bytes.reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        return Int(bitPattern: UInt(sum))
    }
}

// SPDX-License-Identifier: Apache-2.0
/// The job of an exec worker, as it lies in the pool's memory.
struct ExecJob: Codable {
    /// The mangled name of the job's type.
    let typeName: String
    let settings: WorkerSettings
    let job: [UInt8]

    /// The sum of a job's bytes (FNV-1a), which shows whether a wild write changed them.
    static func checksum(_ bytes: [UInt8]) -> Int {
        let sum = bytes.reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        return Int(bitPattern: UInt(sum))
    }
}

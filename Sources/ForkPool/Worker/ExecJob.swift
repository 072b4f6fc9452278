/// What a worker that is started by exec runs, as it finds it in the pool's memory.
struct ExecJob: Codable {
    /// The mangled name of the job's type.
    let typeName: String
    let settings: WorkerSettings
    /// The job, coded.
    let job: [UInt8]

    /// The sum that tells the bytes of a job from what a wild write made of them (FNV-1a).
    static func checksum(_ bytes: [UInt8]) -> Int {
        let sum = bytes.reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        return Int(bitPattern: UInt(sum))
    }
}

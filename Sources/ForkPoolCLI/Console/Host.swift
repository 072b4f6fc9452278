// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool
import Glibc

/// The properties of a machine that matter for measurements.
struct Host: Equatable {
    let processor: String
    let processors: Int
    let kernel: String
    /// A digest of the machine's ID, which itself stays private.
    let machine: String

    static let current = Host(
        processor: processorName(), processors: ForkPool.availableProcessors, kernel: kernelRelease(),
        machine: machineDigest())

    var json: JSON {
        .object([
            ("cpu", .string(processor)), ("cores", .integer(processors)), ("kernel", .string(kernel)),
            ("machine", .string(machine)),
        ])
    }

    init(processor: String, processors: Int, kernel: String, machine: String) {
        self.processor = processor
        self.processors = processors
        self.kernel = kernel
        self.machine = machine
    }

    /// Reads a host from the value of `json`; nil if a member is missing.
    init?(_ json: JSON?) {
        guard let processor = json?["cpu"]?.string, let processors = json?["cores"]?.integer,
            let kernel = json?["kernel"]?.string, let machine = json?["machine"]?.string
        else { return nil }
        self.init(processor: processor, processors: processors, kernel: kernel, machine: machine)
    }

    /// Describes how another host differs from this one; nil if it does not.
    func difference(from other: Host) -> String? {
        if processor != other.processor { return "its processor is \(other.processor), this one's \(processor)" }
        if processors != other.processors {
            return "it has \(counted(other.processors, "processor")), this one \(processors)"
        }
        if kernel != other.kernel { return "its kernel is \(other.kernel), this one's \(kernel)" }
        return machine == other.machine ? nil : "it is another machine of the same kind"
    }

    private static func processorName() -> String {
        // ARM has no line with a model name; use the part number.
        let lines = TextFile.text("/proc/cpuinfo")?.split(separator: "\n") ?? []
        let line = lines.first { $0.hasPrefix("model name") } ?? lines.first { $0.hasPrefix("CPU part") }
        return line.flatMap { $0.split(separator: ":", maxSplits: 1).last }.map { String($0.drop { $0 == " " }) }
            ?? "unknown"
    }

    static func kernelRelease() -> String {
        TextFile.line("/proc/sys/kernel/osrelease") ?? "unknown"
    }

    private static func machineDigest() -> String {
        let id = TextFile.line("/etc/machine-id") ?? TextFile.line("/var/lib/dbus/machine-id") ?? ""
        var hash = XXH64()
        hash.update(Array("forkpool \(id)".utf8).span)
        return String(hash.digest, radix: 16)
    }
}
#endif

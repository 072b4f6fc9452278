// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool
import ForkPoolLaunch
import Glibc

/// The findings of `forkpool doctor` that need no measurement.
enum Machine {
    /// Returns all findings, in the order of the report.
    static func examine() -> [Finding] {
        [processor, kernel, processors, affinity, quota, memory, overcommit] + limits + features + [counter] + pressures
    }

    private static var processor: Finding {
        Finding(key: "cpu", name: "processor", value: Host.current.processor)
    }

    private static var kernel: Finding {
        Finding(key: "kernel", name: "kernel", value: Host.current.kernel)
    }

    // MARK: - Processors

    private static var processors: Finding {
        let count = ForkPool.availableProcessors
        var finding = Finding(
            key: "processors", name: "processors", value: "\(count), the default number of workers of a pool",
            number: Double(count))
        if count == 1 {
            finding.state = .warning
            finding.advice = "workers take turns: a pool isolates work here, but does not speed it up"
        }
        return finding
    }

    private static var affinity: Finding {
        let list = status("Cpus_allowed_list") ?? "unknown"
        return Finding(
            key: "affinity", name: "affinity", value: "\(list) of \(sysconf(Int32(_SC_NPROCESSORS_ONLN))) online")
    }

    private static var quota: Finding {
        guard let quota = Cgroup().cpuQuota else {
            return Finding(key: "quota", name: "processor quota", value: "none")
        }
        var finding = Finding(
            key: "quota", name: "processor quota", value: "\(fixed(quota.processors, 2)) processors (\(quota.file))",
            number: quota.processors)
        if quota.processors < Double(ForkPool.availableProcessors) {
            finding.state = .warning
            finding.advice =
                "the system pauses workers that exceed it: give a pool only as many workers as the quota has processors"
        }
        return finding
    }

    // MARK: - Memory

    private static var memory: Finding {
        let lines = TextFile.text("/proc/meminfo")?.split(separator: "\n") ?? []
        func bytes(_ name: String) -> Double? {
            let fields = lines.first { $0.hasPrefix("\(name):") }?.split(separator: " ")
            return fields.flatMap { $0.count > 1 ? Double($0[1]) : nil }.map { $0 * 1024 }
        }
        guard let free = bytes("MemAvailable"), let total = bytes("MemTotal") else {
            return Finding(key: "memory", name: "memory", value: "unknown")
        }
        var finding = Finding(
            key: "memory", name: "memory",
            value: "\(Scale.bytes(free).text(free)) free of \(Scale.bytes(total).text(total))",
            number: free)
        let group = Cgroup()
        if let limit = group.memoryLimit.map(Double.init), limit < total {
            finding.value += ", at most \(Scale.bytes(limit).text(limit)) for this process's group"
            if let usage = group.memoryUsage.map(Double.init) {
                finding.value += ", which uses \(Scale.bytes(usage).text(usage))"
            }
        }
        if free < 0.05 * total {
            finding.state = .warning
            finding.advice = "the system may kill workers; the error of a map names the items"
        }
        return finding
    }

    private static var overcommit: Finding {
        let mode = TextFile.line("/proc/sys/vm/overcommit_memory")
        let words = ["0": "heuristic", "1": "always", "2": "never"]
        var finding = Finding(
            key: "overcommit", name: "overcommit", value: mode.flatMap { words[$0] } ?? "unknown")
        if mode == "2" {
            finding.state = .warning
            finding.advice =
                "the system may refuse to fork a large process: set vm.overcommit_memory=0, or start workers by exec"
        }
        return finding
    }

    // MARK: - Limits

    private static var limits: [Finding] {
        [
            limit("processes", "RLIMIT_NPROC", __rlimit_resource(6), atLeast: 64, "ulimit -u"),
            limit("open files", "RLIMIT_NOFILE", RLIMIT_NOFILE, atLeast: 256, "ulimit -n"),
            limit("address space", "RLIMIT_AS", RLIMIT_AS, atLeast: 1 << 30, "ulimit -v"),
        ]
    }

    private static func limit(
        _ name: String, _ key: String, _ resource: __rlimit_resource, atLeast least: UInt, _ command: String
    ) -> Finding {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(resource.rawValue), &limit) == 0 else {
            return Finding(key: key, name: name, value: "unknown")
        }
        let isFree = limit.rlim_cur == .max
        var finding = Finding(key: key, name: name, value: isFree ? "no limit" : "at most \(limit.rlim_cur)")
        if !isFree { finding.number = Double(limit.rlim_cur) }
        if limit.rlim_cur < least {
            finding.state = .warning
            finding.advice = "too low for a pool of many workers: raise it with \(command)"
        }
        return finding
    }

    // MARK: - Features

    private static var features: [Finding] {
        KernelFeature.probe().map { feature in
            var finding = Finding(key: feature.name, name: feature.name, value: "available, \(feature.purpose)")
            if let refusal = feature.refusal {
                finding.value = "refused: \(systemMessage(refusal.code)); \(feature.purpose)"
                finding.state = feature.isOptional ? .warning : .missing
                finding.advice =
                    feature.isOptional
                    ? "the library works without it"
                    : "the library needs it; a sandbox blocks it, or the kernel is older than 5.4"
            }
            return finding
        }
    }

    private static var counter: Finding {
        var finding = Finding(
            key: "instructions", name: "instruction counter", value: "available, for check --metric instructions")
        do {
            _ = try EventCounter(.instructions)
        } catch {
            finding.value = "refused: \(systemMessage(error.code))"
            finding.state = .warning
            finding.advice =
                error.code == EACCES || error.code == EPERM
                ? "check --metric instructions needs kernel.perf_event_paranoid at 2 or less"
                : "check --metric instructions does not work here; --metric cpu does"
        }
        return finding
    }

    // MARK: - Pressure

    private static var pressures: [Finding] {
        ["cpu", "memory", "io"].map { kind in
            let name = "\(kind == "cpu" ? "processor" : kind) pressure"
            guard let share = Cgroup.systemPressure(kind) ?? Cgroup().pressure(kind) else {
                return Finding(key: "pressure_\(kind)", name: name, value: "unknown: this kernel does not report it")
            }
            var finding = Finding(
                key: "pressure_\(kind)", name: name, value: "tasks waited for \(fixed(share, 0)) % of the last 10 s",
                number: share)
            if share > 20 {
                finding.state = .warning
                finding.advice =
                    kind == "cpu"
                    ? "other processes compute and affect wall times: compare CPU time"
                    : "other processes affect the times"
            }
            return finding
        }
    }

    private static func status(_ name: String) -> String? {
        TextFile.text("/proc/self/status")?.split(separator: "\n").first { $0.hasPrefix("\(name):") }
            .map { String($0.dropFirst(name.count + 1).drop { $0 == "\t" }) }
    }
}
#endif

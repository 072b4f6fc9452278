// SPDX-License-Identifier: Apache-2.0
internal import ForkPool
internal import Glibc

extension Hello {
    /// What this process tells of itself.
    static let own = Hello(
        build: (try? HostCoding.programBuild()) ?? "", host: HostName.own, processors: HostName.processors)
}

/// The name of this host, and the processors that this process may use there.
enum HostName {
    static var own: String {
        var name = [CChar](repeating: 0, count: 256)
        // One byte is kept for the end of the text.
        guard unsafe gethostname(&name, name.count - 1) == 0 else { return "localhost" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The processors, as the kernel lists them.
    static var processors: String {
        let field = "Cpus_allowed_list:"
        let line = ProcFile.text("/proc/self/status")?.split(separator: "\n").first { $0.hasPrefix(field) }
        return line.map { String($0.dropFirst(field.count)) } ?? ""
    }
}

// SPDX-License-Identifier: Apache-2.0
#if Command
import Glibc

/// What besides its command line decides what a command does, so that runs under other conditions are not compared silently.
struct Conditions: Equatable {
    /// The standard input of the runs.
    struct Input: Equatable {
        let path: String
        /// The length and the digest of a regular file; nil for a device.
        let content: Content?
    }

    /// What is in a file.
    struct Content: Equatable {
        let bytes: Int
        /// Of the first megabytes.
        let digest: String
    }

    /// The words of the shell; nil for none.
    let shell: String?
    /// nil for an empty one.
    let input: Input?
    /// Where the output goes: null, pipe, inherit or file.
    let output: String
    let folder: String
    /// The digests of the variables that change what programs do; their values stay private.
    let environment: [String: String]

    /// Finds the conditions of this process.
    init(_ options: MeasurementOptions) {
        shell = options.shell?.words?.joined(separator: " ")
        let settings = options.settings
        input = settings.input.map { Input(path: $0, content: Self.content($0)) }
        output =
            switch settings.output {
            case .null: "null"
            case .pipe: "pipe"
            case .inherit: "inherit"
            case .file: "file"
            }
        folder = Self.currentFolder()
        environment = Self.variables()
    }

    /// Says how other runs were made so that they cannot be compared with these; nil if they can.
    func difference(from other: Conditions) -> String? {
        if shell != other.shell {
            let option = other.shell.map { "--shell='\($0)'" } ?? "--shell=none"
            return
                "its commands were run by \(other.shell ?? "no shell"), and here by \(shell ?? "no shell"): give \(option)"
        }
        if input?.content != other.input?.content || input?.content == nil && input?.path != other.input?.path {
            return
                "the input of its commands was \(Self.text(other.input)), and here it is \(Self.text(input)): give the same "
                + "--input"
        }
        if output != other.output {
            return "the output of its commands went to \(other.output), and here to \(output): give the same --output"
        }
        return nil
    }

    /// What may have changed the runs that were made under other conditions.
    func remarks(on other: Conditions) -> [String] {
        var remarks: [String] = []
        if folder != other.folder { remarks.append("in another folder, \(other.folder)") }
        let names = Set(environment.keys).union(other.environment.keys)
            .filter { environment[$0] != other.environment[$0] }
        if !names.isEmpty { remarks.append("with another value of \(names.sorted().joined(separator: ", "))") }
        return remarks
    }

    private static func text(_ input: Input?) -> String {
        guard let input else { return "empty" }
        return input.content.map { "\(input.path) (\(byteSize($0.bytes)), digest \($0.digest))" } ?? input.path
    }

    /// The most bytes of an input that are read for its digest.
    private static let digested = 16 << 20

    private static func content(_ path: String) -> Content? {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var status = stat()
        guard unsafe fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        guard let bytes = try? readAll(file, 0..<min(Int(status.st_size), digested)) else { return nil }
        var hash = XXH64()
        hash.update(bytes.span)
        return Content(bytes: Int(status.st_size), digest: String(hash.digest, radix: 16))
    }

    private static func currentFolder() -> String {
        guard let path = unsafe getcwd(nil, 0) else { return "" }
        defer { unsafe free(path) }
        return unsafe String(cString: path)
    }

    /// The names of variables on which programs, the loader or language runtimes depend.
    private static let names: Set<Substring> = [
        "PATH", "LANG", "LANGUAGE", "LOCPATH", "TZ", "GLIBC_TUNABLES", "GOGC", "GOMAXPROCS", "GOMEMLIMIT", "GODEBUG",
        "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "NODE_OPTIONS", "NODE_ENV", "RUBYOPT", "RUBYLIB", "PERL5LIB",
        "PERL5OPT",
        "RAYON_NUM_THREADS", "BLIS_NUM_THREADS",
    ]
    /// The beginnings of such names.
    private static let prefixes = ["LC_", "LD_", "MALLOC_", "PYTHON", "OMP_", "MKL_", "OPENBLAS_", "JULIA_"]

    private static func variables() -> [String: String] {
        var found: [String: String] = [:]
        var next = unsafe environ
        while let text = unsafe next.pointee {
            let entry = unsafe String(cString: text)
            let name = entry.prefix { $0 != "=" }
            if names.contains(name) || prefixes.contains(where: { name.hasPrefix($0) }) {
                var hash = XXH64()
                hash.update(Array(entry.utf8).span)
                found[String(name)] = String(hash.digest, radix: 16)
            }
            unsafe next += 1
        }
        return found
    }
}

extension Conditions {
    var json: JSON {
        .object([
            ("shell", shell.map { .string($0) } ?? .null),
            (
                "input",
                input.map { input in
                    .object([
                        ("path", .string(input.path)), ("bytes", input.content.map { .integer($0.bytes) } ?? .null),
                        ("digest", input.content.map { .string($0.digest) } ?? .null),
                    ])
                } ?? .null
            ),
            ("output", .string(output)), ("folder", .string(folder)),
            ("environment", .object(environment.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })),
        ])
    }

    /// Reads the value of `json`; nil if it is none.
    init?(_ json: JSON?) {
        guard let json, let output = json["output"]?.string, let folder = json["folder"]?.string,
            case .object(let variables)? = json["environment"]
        else { return nil }
        shell = json["shell"]?.string
        input = json["input"]?["path"]?.string.map { path in
            let (bytes, digest) = (json["input"]?["bytes"]?.integer, json["input"]?["digest"]?.string)
            let content = bytes.flatMap { bytes in digest.map { Content(bytes: bytes, digest: $0) } }
            return Input(path: path, content: content)
        }
        self.output = output
        self.folder = folder
        environment = Dictionary(variables.compactMap { name, value in value.string.map { (name, $0) } }) { $1 }
    }
}
#endif

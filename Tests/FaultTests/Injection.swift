// SPDX-License-Identifier: Apache-2.0
import CForkPool
import Glibc

/// A system call of the library that fails: which one, where, when and how.
struct Fault: CustomStringConvertible {
    enum Role: String, CaseIterable {
        case parent
        case template
        case worker

        fileprivate var number: Int32 {
            let role =
                switch self {
                case .parent: CFORKPOOL_IN_PARENT
                case .template: CFORKPOOL_IN_TEMPLATE
                case .worker: CFORKPOOL_IN_WORKER
                }
            return Int32(role.rawValue)
        }
    }

    var call: String
    var role: Role
    /// The number of the first call that fails, from 1 on, and how many fail from there.
    var first: Int
    var times: Int
    var error: Int32

    /// Whether this build can make calls fail; a release build cannot.
    static var isAvailable: Bool { unsafe cforkpool_injectable(0) != nil }

    /// The names of all calls that can be made to fail.
    static var calls: [String] {
        var calls: [String] = []
        while let name = unsafe cforkpool_injectable(Int32(calls.count)) { calls.append(unsafe String(cString: name)) }
        return calls
    }

    /// Makes the call fail from now on as described.
    func begin() {
        let error = unsafe cforkpool_inject(call, role.number, UInt32(first), UInt32(times), error)
        precondition(error == 0, "no fault: errno \(-error)")
    }

    /// Lets every call succeed again.
    static func end() {
        cforkpool_inject_nothing()
    }

    /// How often the call failed since the last fault began, in all processes.
    static var failures: Int { Int(cforkpool_injected_failures()) }

    /// How often a call was made, failed or not, since the last fault began.
    static func count(_ call: String, _ role: Role) -> Int {
        Int(unsafe cforkpool_injected_calls(call, role.number))
    }

    /// How often each of some calls was made in processes of each role.
    static func counts(_ calls: [String]) -> [String: [Role: Int]] {
        Dictionary(
            uniqueKeysWithValues: calls.map { call in
                (call, Dictionary(uniqueKeysWithValues: Role.allCases.map { ($0, count(call, $0)) }))
            })
    }

    /// A fault that never happens: calls are only counted.
    static let none = Fault(call: "fork", role: .parent, first: 1, times: 0, error: 0)

    /// The same fault at another call.
    func at(_ first: Int) -> Fault {
        Fault(call: call, role: role, first: first, times: times, error: error)
    }

    /// The same fault at every call.
    var forEver: Fault { Fault(call: call, role: role, first: 1, times: Int(UInt32.max), error: error) }

    var description: String {
        "\(call) in a \(role), from time \(first) on \(times == 1 ? "once" : "always"), with errno \(error)"
    }
}

/// Runs scenes with a fault, each in a child of this process that is ended if it hangs, and collects the findings.
@safe struct FaultTrial {
    private static let size = 4096
    /// Memory shared with the children: the length of their text, and the text.
    private let page: UnsafeMutableRawPointer

    init() {
        unsafe page = mmap(nil, Self.size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)!
    }

    /// Runs `scene` once and says what went wrong, beginning with the fault, or nil.
    ///
    /// At most one other thread may run here, and `scene` must not be the first to use anything of the runtime.
    func run(_ fault: Fault, _ scene: (Fault) -> [String]) -> String? {
        run("\(fault)") { scene(fault) }
    }

    /// Does the same with a fault that has no more than a name.
    func run(_ fault: String, _ scene: () -> [String]) -> String? {
        end(start(scene), fault)
    }

    /// Begins to run `scene`, in the child that it returns; several trials may run at once.
    func start(_ scene: () -> [String]) -> Int32 {
        unsafe page.storeBytes(of: 0, as: Int.self)
        let child = Process.fork()
        if child == 0 {
            Scene.setDeadline()
            say(Self.leavesNothing(scene))
            _exit(0)
        }
        return child
    }

    /// Waits for the end of a child, and says what went wrong, or nil.
    func end(_ child: Int32, _ fault: String) -> String? {
        let status = Process.wait(for: child)
        let text = heard
        if status == 0, text.isEmpty { return nil }
        return "\(fault): \(status == SIGALRM ? "it hangs" : "wait status \(status)") \(text)"
    }

    /// Runs `scene`, and adds to its complaints what is left.
    private static func leavesNothing(_ scene: () -> [String]) -> [String] {
        let before = Census.now()
        // Every forked process that is left holds the writing end.
        let writers = PidPipe()
        var complaints = scene()
        writers.closeWriting()
        if !writers.everyWriterIsGone() { complaints.append("a process is left") }
        close(writers.reading)
        let now = Census.now(expecting: before, looks: 500)
        if now != before { complaints.append("\(before) became \(now)") }
        return complaints
    }

    private func say(_ complaints: [String]) {
        let text = Array(complaints.joined(separator: "; ").utf8.prefix(Self.size - 16))
        unsafe (page + 8).copyMemory(from: text, byteCount: text.count)
        unsafe page.storeBytes(of: text.count, as: Int.self)
    }

    private var heard: String {
        let length = unsafe page.load(as: Int.self)
        return unsafe String(decoding: UnsafeRawBufferPointer(start: page + 8, count: length), as: UTF8.self)
    }
}

import CForkPool
import Glibc

/// A system call of the library that fails: which one, where, when and how.
struct Fault: CustomStringConvertible {
    enum Place: String, CaseIterable {
        case parent
        case template
        case worker

        fileprivate var number: Int32 {
            let place =
                switch self {
                case .parent: CFORKPOOL_IN_PARENT
                case .template: CFORKPOOL_IN_TEMPLATE
                case .worker: CFORKPOOL_IN_WORKER
                }
            return Int32(place.rawValue)
        }
    }

    var call: String
    var place: Place
    /// The first time that it fails, from 1 on, and how often it does then.
    var first: Int
    var times: Int
    var error: Int32

    /// Whether a build can make calls fail: not one for release.
    static var isAvailable: Bool { unsafe cforkpool_injectable(0) != nil }

    /// The names of all calls that can be made to fail.
    static var calls: [String] {
        var calls: [String] = []
        while let name = unsafe cforkpool_injectable(Int32(calls.count)) { calls.append(unsafe String(cString: name)) }
        return calls
    }

    /// Makes the call fail from now on, as is said.
    func begin() {
        let error = unsafe cforkpool_inject(call, place.number, UInt32(first), UInt32(times), error)
        precondition(error == 0, "no fault: errno \(-error)")
    }

    /// Lets every call succeed again.
    static func end() {
        cforkpool_inject_nothing()
    }

    /// How often the call failed since the last fault began, in all processes.
    static var failures: Int { Int(cforkpool_injected_failures()) }

    /// How often a call was made, failed or not, since the last fault began.
    static func count(_ call: String, _ place: Place) -> Int {
        Int(unsafe cforkpool_injected_calls(call, place.number))
    }

    /// How often each of some calls was made in each place.
    static func counts(_ calls: [String]) -> [String: [Place: Int]] {
        Dictionary(
            uniqueKeysWithValues: calls.map { call in
                (call, Dictionary(uniqueKeysWithValues: Place.allCases.map { ($0, count(call, $0)) }))
            })
    }

    /// A fault that never comes: calls are only counted.
    static let none = Fault(call: "fork", place: .parent, first: 1, times: 0, error: 0)

    /// The same at another time.
    func at(_ first: Int) -> Fault {
        Fault(call: call, place: place, first: first, times: times, error: error)
    }

    /// The same each time.
    var forEver: Fault { Fault(call: call, place: place, first: 1, times: Int(UInt32.max), error: error) }

    var description: String {
        "\(call) in a \(place), from time \(first) on \(times == 1 ? "once" : "always"), with errno \(error)"
    }
}

/// Runs scenes with a fault, each in a child of this process that is ended if it hangs, and hears what it found.
@safe struct FaultTrial {
    private static let size = 4096
    /// Shared with the children: the length of what they say, and the text.
    private let page: UnsafeMutableRawPointer

    init() {
        unsafe page = mmap(nil, Self.size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)!
    }

    /// Runs `scene` once and says what went wrong, beginning with the fault, or nil.
    ///
    /// Here there must be one thread at most that does anything, and nothing that `scene` is the first to use.
    func run(_ fault: Fault, _ scene: (Fault) -> [String]) -> String? {
        unsafe page.storeBytes(of: 0, as: Int.self)
        let child = Process.fork()
        if child == 0 {
            Scene.setDeadline()
            say(Self.leavesNothing { scene(fault) })
            _exit(0)
        }
        let status = Process.wait(for: child)
        let text = heard
        if status == 0, text.isEmpty { return nil }
        return "\(fault): \(status == SIGALRM ? "it hangs" : "wait status \(status)") \(text)"
    }

    /// Runs `scene`, and adds to its complaints what it left behind.
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

// SPDX-License-Identifier: Apache-2.0
package import Glibc
internal import Synchronization

/// Runs code on several threads at once.
package enum Threads {
    /// Runs `work` with each number below `count`, each on a thread of its own, and returns what each returned.
    @discardableResult
    package static func run<T: Sendable>(_ count: Int, _ work: @Sendable (Int) -> T) -> [T] {
        let results = Results<T>()
        withoutActuallyEscaping(work) { work in
            let threads = (0..<count).map { number in
                start { results.set(number, work(number)) }
            }
            for thread in threads { pthread_join(thread, nil) }
        }
        return results.inOrder
    }

    /// Starts a thread that is to be joined, with a stack of that many bytes or of the usual size.
    package static func start(stackSize: Int? = nil, _ work: @escaping () -> Void) -> pthread_t {
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        if let stackSize { unsafe pthread_attr_setstacksize(&attributes, stackSize) }
        let context = unsafe Unmanaged.passRetained(Work(run: work)).toOpaque()
        var thread = pthread_t()
        let error = unsafe pthread_create(
            &thread, &attributes,
            { context in
                unsafe Unmanaged<Work>.fromOpaque(context!).takeRetainedValue().run()
                return nil
            }, context)
        precondition(error == 0, "no thread: errno \(error)")
        return thread
    }
}

/// What a thread runs.
private final class Work {
    let run: () -> Void

    init(run: @escaping () -> Void) {
        self.run = run
    }
}

/// What threads returned.
private final class Results<T: Sendable>: Sendable {
    private let values = Mutex<[Int: T]>([:])

    func set(_ number: Int, _ value: T) {
        values.withLock { $0[number] = value }
    }

    var inOrder: [T] {
        values.withLock { values in values.sorted { $0.key < $1.key }.map(\.value) }
    }
}

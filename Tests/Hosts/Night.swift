// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolCluster
import Glibc

/// A long map with a journal, which the test breaks and starts again.
///
/// Its arguments: night FOLDER RUN ITEMS STALL-SECONDS|none [kill-worker|hang]
///
/// Each result says the run that computed it, and each item that begins is noted in a file of its run. So the root can tell
/// what came from the journal, and whether something of it began again.
struct Night {
    struct Entry: BitwiseCopyable {
        var run: Int32
        var square: Int64
    }

    let folder: String
    let run: Int32
    let items: Int
    let killsWorker: Bool
    let hangs: Bool

    init(_ arguments: [String]) {
        folder = arguments[1]
        run = Int32(arguments[2]) ?? 0
        items = Int(arguments[3]) ?? 0
        killsWorker = arguments.contains("kill-worker")
        hangs = arguments.contains("hang")
    }

    func run(_ cluster: Cluster) throws {
        let notes = Notes("\(folder)/begun.\(run)")
        let entries = try cluster.map(0..<items, journal: "\(folder)/journal") { item in
            notes.add(item)
            if killsWorker, item == items / 2 { die() }
            if hangs, item == items / 2 { hang(on: cluster.hostName) }
            usleep(5000)
            return Entry(run: run, square: Int64(item * item))
        }
        for (item, entry) in entries.enumerated() {
            expect(entry.square == Int64(item * item), "\(cluster.hostName): item \(item) is \(entry)")
        }
        guard cluster.isRoot else { return }
        let begun = notes.all()
        let again = begun.filter { entries[$0].run != run }
        let restored = entries.count { $0.run != run }
        print(
            "night \(run): \(items) results on \(cluster.hosts) hosts, \(restored) from the journal, "
                + "\(begun.count) began now, \(Set(again).count) of those that were in the journal")
    }

    /// Does not end, and notes where.
    private func hang(on host: String) {
        let file = unsafe open("\(folder)/hangs", O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
        var name = host
        name.withUTF8 { expect(unsafe write(file, $0.baseAddress, $0.count) == $0.count, "no note: errno \(errno)") }
        while true { pause() }
    }

    /// Says which items a journal lacks.
    static func listMissing(_ journal: String) {
        do throws(ForkPool.Failure) {
            let entries = try ForkPool.merge(journals: [journal], as: Entry.self)
            print("the journal has all of \(entries.count) items")
        } catch {
            print("\(error)")
        }
    }

    /// Kills this worker, the first time.
    private func die() {
        let file = unsafe open("\(folder)/killed", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        if file >= 0 { kill(getpid(), SIGKILL) }
    }
}

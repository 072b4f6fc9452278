// SPDX-License-Identifier: Apache-2.0
#if MPI
internal import CForkMPI
internal import ForkPool
internal import Glibc

/// The ranks of an MPI job: messages from one to another, on a communicator of their own.
final class MPITransport: Transport {
    /// Bytes that are being sent: the memory of an array stays in its place while it is kept and not changed.
    private struct Sending {
        let transfer: Transfer
        let rank: Int
        let bytes: [UInt8]
    }

    let rank = Int(cforkmpi_rank())
    let size = Int(cforkmpi_size())
    /// MPI counts bytes by an `int`.
    let mostBytes = Int(Int32.max)
    private var sendings: [Sending] = []

    /// Runs a program with MPI, or alone where MPI finds no other rank.
    static func run<T>(
        _ launch: Launch, _ body: (MPITransport) throws -> T, alone: () throws -> T
    ) throws -> T {
        let owner = cforkmpi_claim()
        guard owner == 0 else { throw owner == getpid() ? ForkPool.Failure.mpiHasRun : .clusterOfParent }
        defer { cforkmpi_release() }
        guard !cforkmpi_is_over() else { throw ForkPool.Failure.mpiIsOver }
        // Before MPI brings the ranks together: they wait for each other from then on.
        _ = Hello.own
        guard cforkmpi_init() == 0 else { throw ForkPool.Failure.mpiHasOneThread }
        defer { cforkmpi_finalize() }
        let transport = MPITransport()
        guard transport.size > 1 else {
            try launch.checkAlone(isBuiltWithMPI: true)
            return try alone()
        }
        let line =
            "ForkPool: rank \(transport.rank) on \(HostName.own) called exit within Cluster.run; the job ends on all hosts\n"
        unsafe line.withCString { unsafe cforkmpi_guard_exit($0) }
        // Sleeps of microseconds end in time; by default they last 50 us longer.
        let slack = cforkmpi_set_timer_slack(1_000)
        defer { _ = cforkmpi_set_timer_slack(slack) }
        return try body(transport)
    }

    func send(_ bytes: [UInt8], to rank: Int, on channel: Channel) {
        let transfer = unsafe bytes.withUnsafeBytes { unsafe start(sending: $0, to: rank, on: channel) }
        if transfer.number > 0 { sendings.append(Sending(transfer: transfer, rank: rank, bytes: bytes)) }
    }

    var unsent: Int? {
        if !sendings.isEmpty { sendings.removeAll { isDone($0.transfer) } }
        return sendings.first?.rank
    }

    func next(on channel: Channel, from rank: Int?) -> Envelope? {
        var message = cforkmpi_message()
        guard unsafe cforkmpi_probe(Int32(rank ?? -1), channel.rawValue, &message) else { return nil }
        return Envelope(source: Int(message.source), size: Int(message.size), channel: channel)
    }

    @unsafe func start(sending memory: UnsafeRawBufferPointer, to rank: Int, on channel: Channel) -> Transfer {
        unsafe Transfer(
            number: cforkmpi_send(memory.baseAddress, Int32(memory.count), Int32(rank), channel.rawValue))
    }

    @unsafe func start(
        receiving memory: UnsafeMutableRawBufferPointer, from rank: Int, on channel: Channel
    ) -> Transfer {
        unsafe Transfer(
            number: cforkmpi_receive(memory.baseAddress, Int32(memory.count), Int32(rank), channel.rawValue))
    }

    func isDone(_ transfer: Transfer) -> Bool { transfer.number == 0 || cforkmpi_test(transfer.number) }

    func abort() -> Never {
        cforkmpi_abort(1)
        // MPI has ended the process, unless it could not.
        _exit(1)
    }
}

extension ForkPool.Failure {
    static var mpiIsOver: Self {
        .launchRefused("Cluster.run was called a second time, and MPI cannot start again in a process; call it once")
    }

    static var mpiHasRun: Self {
        .launchRefused("Cluster.run was called within another one of this process; use the cluster of that one")
    }

    static var mpiHasOneThread: Self {
        .launchRefused(
            "the program started its MPI for another thread than that of Cluster.run; call MPI_Init_thread with "
                + "MPI_THREAD_SERIALIZED, or let Cluster.run start MPI")
    }
}
#endif

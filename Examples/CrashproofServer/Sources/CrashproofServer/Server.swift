// SPDX-License-Identifier: Apache-2.0
import ForkPool
import Glibc
import Hummingbird
import Logging
import ServiceLifecycle

/// Starts the workers.
///
/// Call it before the server: they then inherit none of its sockets and threads.
func makePool() throws -> ForkPool.Resident<String, Int> {
    let options = ForkPool.Options(
        timeout: .seconds(30),  // for one request
        name: "calculator",
        signals: .parentDecides,  // SIGTERM for the whole group lets the workers finish
        maxPending: 16, whenFull: .fail)  // more requests than that are refused, not queued
    let pool = try ForkPool(options: options).resident { (expression: String) in
        try Calculator.evaluate(expression)
    }
    return pool.with { $0.deadline = .seconds(45) }  // for one request and its time in the queue
}

/// Serves until SIGTERM or SIGINT, answers the requests that it has, ends its workers, and returns.
func serve(port: Int, pool: ForkPool.Resident<String, Int>) async throws {
    let router = Router()
    router.post("evaluate") { request, context in
        do {
            // Without this Hummingbird does not tell a handler that its client went. It ends the task of the call, and so the
            // work. The connection is not used again after the answer.
            let value = try await request.body.consumeWithCancellationOnInboundClose { body in
                try await pool(String(buffer: body.collect(upTo: 10_000)))
            }
            return "\(value)\n"
        } catch let failure as ForkPool.Failure where !failure.isCancellation {
            context.logger.error("\(failure)")
            throw HTTPError(failure)
        } catch let error where error is ForkPool.Failure || error is CancellationError {
            context.logger.info("the client went: its work is stopped")
            throw error
        }
    }
    router.get("status") { _, _ in
        "workers \(pool.workers) busy \(pool.busy) pending \(pool.pending)\n"
    }
    // The same work in the server's own process, for the figures: here a trap ends the server.
    router.post("unprotected") { request, _ in
        let value = try await request.body.consumeWithCancellationOnInboundClose { body in
            try Calculator.evaluate(String(buffer: await body.collect(upTo: 10_000)))
        }
        return "\(value)\n"
    }

    let app = Application(
        router: router,
        configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: port)),
        // A group stops its services in reverse order: first the server, which waits for its requests, then the workers.
        services: [PoolService(pool: pool)],
        onServerRunning: { channel in
            print("port", channel.localAddress?.port ?? 0)
            fflush(nil)
        },
        logger: Logger(label: "server"))
    try await app.runService(gracefulShutdownSignals: [.sigterm, .sigint])
}

/// Ends the workers when the services that use them have ended.
struct PoolService: Service {
    let pool: ForkPool.Resident<String, Int>

    func run() async throws {
        try? await gracefulShutdown()
        await pool.finish()
    }
}

extension HTTPError {
    /// Says what a client may know: no pid and no path of the server's, which are in its log.
    init(_ failure: ForkPool.Failure) {
        let mistake = failure.thrown?.decode(as: Calculator.Mistake.self)
        switch failure.code {
        case .thrown: self.init(.badRequest, message: mistake?.description ?? "")
        case .full: self.init(.serviceUnavailable, headers: [.retryAfter: "1"], message: "too many requests wait")
        case .timedOut: self.init(.gatewayTimeout, message: "the expression takes too long")
        case .crashed: self.init(.internalServerError, message: "the expression crashed its worker")
        default: self.init(.internalServerError, message: "the expression has no result")
        }
    }
}

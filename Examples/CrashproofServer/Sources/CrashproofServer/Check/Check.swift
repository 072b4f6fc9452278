// SPDX-License-Identifier: Apache-2.0
import ExampleSupport
import ForkPool
import Glibc

/// Starts a server, tries what can go wrong with it, and prints what happened.
func check() throws -> Expectations {
    var expectations = Expectations()
    let server = try ServerProcess()
    let workers = ForkPool.availableProcessors
    expectations.expect(try server.reaches("workers \(workers) busy 0"), "\(workers) workers wait")

    let descriptors = server.descriptors

    // The clients of this check are workers too: eight at once.
    let outcomes = try ForkPool(workers: 8).map(0..<2000) { number in
        try server.post(number % 50 == 49 ? "\(number) 0 /" : "\(number) 2 * 1 +")
    }
    let crashed = outcomes.filter { $0.status == 500 && $0.body.contains("the expression crashed its worker") }
    let right = outcomes.indices.count { outcomes[$0] == Answer(status: 200, body: "\($0 * 2 + 1)\n") }
    expectations.expect(
        crashed.count == 40 && right == 1960,
        "2000 requests, of which 40 crash: \(right) answered, \(crashed.count) told why")
    expectations.expect(
        try server.post("3 x") == Answer(status: 400, body: #"{"error":{"message":"what is \"x\"?"}}"#),
        "what the work throws is the client's mistake")

    // As many clients as the server takes: some at a worker, the others wait.
    var clients: [Connection] = []
    for _ in 0..<workers { clients.append(try server.begin("90 fib")) }
    expectations.expect(
        try server.reaches("busy \(workers) pending 0"), "requests that never end keep all workers busy")
    for _ in 0..<16 { clients.append(try server.begin("90 fib")) }
    expectations.expect(try server.reaches("busy \(workers) pending 16"), "16 more wait")
    expectations.expect(try server.post("1 2 +").status == 503, "another one is refused at once")

    clients.removeAll()
    expectations.expect(try server.reaches("busy 0 pending 0"), "when the clients go, all workers are free")
    expectations.expect(try server.post("1 2 +").body == "3\n", "and the next request is answered")

    expectations.expect(
        server.fallsTo(descriptors: descriptors),
        "the server has no more descriptors than at first: \(descriptors)")
    try printFigures(server)

    // SIGTERM for the server and its workers, in the middle of requests.
    for _ in 0..<workers { clients.append(try server.begin("40 fib")) }
    expectations.expect(try server.reaches("busy \(workers)"), "requests are in progress")
    let early = clients.contains { $0.hasAnswer }
    server.signalGroup(SIGTERM)
    let late = try clients.map { client in try client.answer() }
    expectations.expect(
        !early && late.allSatisfy { $0 == Answer(status: 200, body: "102334155\n") },
        "SIGTERM for the whole group: they are answered")
    expectations.expect(server.wait() == 0, "the server ends with 0, and no process is left")
    let log = server.logged.split(separator: "\n").map { String($0) }
    expectations.expect(
        log.count { $0.contains("the client went") } == workers + 16, "it has logged each client that went")
    expectations.expect(log.count { $0.contains("crashed its worker") } == 40, "and each crash:")
    print("      ", log.first { $0.contains("crashed its worker") } ?? "")

    // What the same request does in the server's own process.
    let other = try ServerProcess()
    let answer = try? other.post("1 0 /", to: "/unprotected")
    expectations.expect(
        answer?.status ?? 0 == 0 && other.wait() ?? 0 != 0, "without workers one such request ends the server")
    return expectations
}

/// Prints requests a second, in workers and in the server's own tasks, for work of microseconds and of milliseconds.
private func printFigures(_ server: ServerProcess) throws {
    for (expression, count) in [("3 4 +", 1000), ("27 fib", 400)] {
        var seconds: [String: [Double]] = [:]
        for _ in 0..<5 {
            for path in ["/evaluate", "/unprotected"] {
                let clock = ContinuousClock()
                let time = try clock.measure {
                    try ForkPool(workers: 8).forEach(0..<count / 5) { _ in
                        let answer = try server.post(expression, to: path)
                        precondition(answer.status == 200)
                    }
                }
                seconds[path, default: []].append(time / .seconds(1) / Double(count / 5))
            }
        }
        let medians = seconds.mapValues { $0.sorted()[2] }
        let (inWorkers, inTasks) = (medians["/evaluate"]!, medians["/unprotected"]!)
        print(
            "       \"\(expression)\": \(Int(1 / inWorkers)) requests a second in workers, \(Int(1 / inTasks)) in tasks of the server,",
            "× \((inWorkers / inTasks * 100).rounded() / 100)")
    }
}

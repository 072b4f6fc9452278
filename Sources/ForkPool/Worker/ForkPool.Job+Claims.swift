// SPDX-License-Identifier: Apache-2.0

// How a worker runs the items of a job. These loops are the defaults of requirements, so that the compiler specialises them
// for each job: a `run` that does not suspend is then called as a plain function. By way of the protocol it costs ten claims.

extension ForkPool.Job {
    /// Runs each item of a claim; returns whether to continue.
    @inlinable
    public func _run(_ claim: _JobClaim) async -> Bool {
        await claim.run { input in try await run(input) }
    }
}

extension ForkPool.StatefulJob {
    /// Runs each item of a claim with the worker's state; returns whether to continue.
    @inlinable
    public func _run(_ claim: _JobClaim, state: inout State) async -> Bool {
        await claim.run { input in try await run(input, state: &state) }
    }
}

extension _JobClaim {
    @usableFromInline
    struct Tools {
        @usableFromInline let writer: ItemWriter
        @usableFromInline let inputs: BatchInputs

        init(_ writer: ItemWriter, _ inputs: BatchInputs) {
            self.writer = writer
            self.inputs = inputs
        }
    }

    /// Runs `body`, which may suspend, on the input of each item and publishes its result; returns whether to continue.
    @inlinable @inline(__always)
    func run<Input: Codable, Output: Codable>(_ body: (Input) async throws -> Output) async -> Bool {
        let (isPlainInput, isPlainOutput) = (WireFormat<Input>.isNumber, WireFormat<Output>.isNumber)
        let tools = unsafe tools.load(as: Tools.self)
        let (writer, inputs) = (tools.writer, tools.inputs)
        var claim = items
        while true {
            for item in claim {
                guard writer.begin(item) else { return false }
                if !isPlainInput, inputs.isMissing(item) { continue }
                let input: Input
                do {
                    input = isPlainInput ? inputs.load(item, as: Input.self) : try inputs.decode(item, as: Input.self)
                } catch {
                    guard writer.failedToDecode(error, at: item) else { return false }
                    continue
                }
                do {
                    let result = try await body(input)
                    if isPlainOutput {
                        writer.store(result, at: item)
                    } else {
                        guard writer.encode(result, at: item) else { return false }
                    }
                } catch {
                    guard writer.threw(error, at: item) else { return false }
                }
            }
            // An item that cancels its own task ends it with its claim.
            guard !Task.isCancelled, let more = writer.claimMore() else { return true }
            claim = more
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

// Options of single maps, calls and streams: a pool that shares the workers of another one and asks for something else.

extension ForkPool {
    /// Returns this pool with other options for its maps, streams and resident pools.
    ///
    /// Both share the same workers, their bound and their queue.
    ///
    /// - Parameter change: Changes the options, which start as those of this pool.
    /// - Returns: The pool to make the calls with.
    /// - Precondition: `timeout` is at least a nanosecond, `retries` and `retryPause` at least 0.
    public func with(_ change: (inout CallOptions) -> Void) -> ForkPool {
        var options = callOptions
        change(&options)
        options.check()
        return ForkPool(sharing: self, options)
    }
}

extension ForkPool.Resident {
    /// Returns this pool with other options for its calls, maps and streams.
    ///
    /// Both have the same workers, and `close()` and `cancel()` of one end both. Releasing the last reference to all of them
    /// cancels the pool.
    ///
    /// - Parameter change: Changes the options, which start as those of this pool.
    /// - Returns: The pool to make the calls with.
    /// - Precondition: `timeout` is at least a nanosecond, `retries` and `retryPause` at least 0.
    public func with(_ change: (inout ForkPool.CallOptions) -> Void) -> ForkPool.Resident<Input, Output> {
        var options = callOptions
        change(&options)
        options.check()
        return ForkPool.Resident(owner: owner, input: input, output: output, options)
    }
}

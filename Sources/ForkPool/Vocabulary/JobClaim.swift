// SPDX-License-Identifier: Apache-2.0

/// Some items that a worker of a job took; only this library makes one and can do something with it.
@safe public struct _JobClaim {
    @usableFromInline let items: Range<Int>
    /// What the worker reads inputs and publishes results by, until the claim is done.
    @usableFromInline let tools: UnsafeRawPointer

    init(_ items: Range<Int>, tools: UnsafeRawPointer) {
        self.items = items
        unsafe self.tools = tools
    }
}

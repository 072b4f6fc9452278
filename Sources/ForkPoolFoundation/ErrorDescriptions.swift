// SPDX-License-Identifier: Apache-2.0
internal import Foundation

/// Describes an error to the library, which has a reference to this function that may be missing.
///
/// - Parameters:
///   - error: Points to the error, of type `any Error`.
///   - text: Points to the description, of type `String?`; stays nil for an error that has none of its own.
@_cdecl("cforkpool_describe_error")
func describeError(_ error: UnsafeRawPointer, _ text: UnsafeMutableRawPointer) {
    let error = unsafe error.assumingMemoryBound(to: (any Error).self).pointee
    let description = (error as? any LocalizedError)?.errorDescription
    unsafe text.assumingMemoryBound(to: String?.self).pointee = description
}

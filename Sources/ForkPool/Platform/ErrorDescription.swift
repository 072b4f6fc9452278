// SPDX-License-Identifier: Apache-2.0
internal import CForkPool

/// Describes errors of the host: by their `errorDescription` if the program has ForkPoolFoundation and the error has one.
enum ErrorDescription {
    static func of(_ error: any Error) -> String {
        var localized: String?
        unsafe withUnsafePointer(to: error) { error in
            unsafe withUnsafeMutablePointer(to: &localized) { text in
                _ = unsafe cforkpool_describe(error, text)
            }
        }
        return localized ?? String(describing: error)
    }
}

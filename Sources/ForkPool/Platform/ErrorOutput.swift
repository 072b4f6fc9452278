// SPDX-License-Identifier: Apache-2.0
internal import CForkPool

/// Standard error, for what no caller can be told.
package enum ErrorOutput {
    /// Writes text by one call, whose failure ends nothing.
    package static func write(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            guard let start = bytes.baseAddress else { return }
            unsafe start.withMemoryRebound(to: CChar.self, capacity: bytes.count) {
                unsafe cforkpool_say($0, bytes.count)
            }
        }
    }
}

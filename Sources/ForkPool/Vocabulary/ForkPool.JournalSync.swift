// SPDX-License-Identifier: Apache-2.0
extension ForkPool {
    /// When a journal's results are on the disk, and not only with the kernel (`fdatasync`).
    ///
    /// A process that is killed loses nothing that it gave to the kernel. A host that loses its power does.
    public enum JournalSync: Sendable {
        /// When the kernel likes.
        case none
        /// When the map ends.
        case end
        /// Each time that results are appended, at most ten times a second.
        case each
    }
}

// SPDX-License-Identifier: Apache-2.0
#if Command
/// A reference to an open folder, so that the closures of resident workers can share it.
final class SharedFolder {
    let folder: Folder

    /// Takes ownership of a folder.
    init(_ folder: consuming Folder) {
        self.folder = folder
    }
}
#endif

/// A folder that is open for whoever holds this: workers that stay do, after the caller has gone on.
final class OpenFolder {
    let folder: Folder

    /// Takes over a folder.
    init(_ folder: consuming Folder) {
        self.folder = folder
    }
}

import Glibc

/// Which file something is, whatever it is called; nothing that has no bytes of its own, such as a pipe or a terminal.
struct FileIdentity: Equatable {
    private let device: dev_t
    private let number: ino_t

    /// Looks at a path (`stat`); nil if there is no such file.
    init?(path: String) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        self.init(status)
    }

    /// Looks at a descriptor (`fstat`).
    init?(descriptor: Int32) {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { return nil }
        self.init(status)
    }

    private init?(_ status: stat) {
        guard status.st_mode & S_IFMT == S_IFREG else { return nil }
        (device, number) = (status.st_dev, status.st_ino)
    }
}

import SystemCalls

/// Directories of ours: 0700, and the user's own.
package enum Directory {
    /// Makes the directory and what is missing above it, and closes it to everybody else.
    ///
    /// - Throws: ``PlatformError`` when it cannot be made, or belongs to another user.
    package static func ensurePrivate(_ path: String) throws(PlatformError) {
        try make(path)
        var status = stat()
        guard stat(path, &status) == 0 else { throw PlatformError("examine '\(path)'") }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw PlatformError("use '\(path)'", code: ENOTDIR) }
        guard status.st_uid == geteuid() else {
            throw PlatformError("use '\(path)', which belongs to another user", code: EPERM)
        }
        guard status.st_mode & 0o077 == 0 || chmod(path, 0o700) == 0 else {
            throw PlatformError("close '\(path)' to other users")
        }
    }

    /// As ``ensurePrivate(_:)``, for a directory in a place that others write to: a link there is refused.
    package static func ensurePrivateInSharedPlace(_ path: String) throws(PlatformError) {
        var status = stat()
        if lstat(path, &status) == 0, status.st_mode & S_IFMT != S_IFDIR {
            throw PlatformError("use '\(path)'", code: ENOTDIR)
        }
        try ensurePrivate(path)
    }

    /// Closes the directory and the files in it to other users; what is executable stays so. Links are not followed, and a
    /// file with a second name is left alone: it may be one that others are to read.
    ///
    /// - Throws: ``PlatformError`` for the first that cannot be closed.
    package static func close(_ path: String) throws(PlatformError) {
        try ensurePrivate(path)
        for name in entries(path) {
            let file = "\(path)/\(name)"
            var status = stat()
            guard lstat(file, &status) == 0, status.st_mode & 0o077 != 0 else { continue }
            switch status.st_mode & S_IFMT {
            case S_IFREG where status.st_nlink > 1: continue
            case S_IFREG, S_IFDIR, S_IFSOCK:
                guard chmod(file, status.st_mode & 0o700) == 0 || errno == ENOENT else {
                    throw PlatformError("close '\(file)' to other users")
                }
            default: continue
            }
        }
    }

    /// Whether there is a directory, and no link to one.
    package static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// A new directory of ours, for a moment, where paths are short enough for sockets.
    package static func makeTemporary() throws(PlatformError) -> String {
        let place = Environment["TMPDIR"] ?? "/tmp"
        var path = Array("\(place)/inter-session.XXXXXX".utf8CString)
        guard mkdtemp(&path) != nil else { throw PlatformError("make a directory in '\(place)'") }
        return String(decoding: path.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private static func make(_ path: String) throws(PlatformError) {
        if mkdir(path, 0o700) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
            throw PlatformError("make the directory '\(path)'")
        }
        try make(String(path[..<slash]))
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw PlatformError("make the directory '\(path)'") }
    }

    /// Bytes that are free for this user on the disk of the directory; nil where the system does not say.
    package static func freeSpace(_ path: String) -> Int? {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        return Int(status.f_bavail) * Int(status.f_frsize)
    }

    /// The names in a directory, `.` and `..` left out; none when it cannot be read.
    package static func entries(_ path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Removes a directory and all in it; links in it are removed, never followed.
    package static func removeAll(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            unlink(path)
            return
        }
        for name in entries(path) { removeAll("\(path)/\(name)") }
        rmdir(path)
    }
}

package import SystemCalls

/// Files of ours: private to the user, and never half-written.
package enum File {
    /// The whole of a small file.
    ///
    /// - Throws: ``PlatformError``; a link or anything but a regular file is refused.
    package static func read(_ path: String, limit: Int = 1 << 20) throws(PlatformError) -> [UInt8] {
        try openRegular(path).readAll(limit: limit)
    }

    /// The whole of a file that the user named, whatever kind of file that is.
    ///
    /// - Throws: ``PlatformError``, with ``PlatformError/isTooBig`` beyond `limit`.
    package static func readAny(_ path: String, limit: Int) throws(PlatformError) -> [UInt8] {
        try Descriptor.open(path, O_RDONLY).readAll(limit: limit)
    }

    /// Opens a file that must be an ordinary one, of this user and unlinked elsewhere.
    static func openRegular(
        _ path: String,
        flags: Int32 = O_RDONLY,
        mode: mode_t = 0o600
    ) throws(PlatformError) -> Descriptor {
        // Non-blocking, so that a named pipe in its place cannot hold us.
        let file = try Descriptor.open(path, flags | O_NOFOLLOW | O_NONBLOCK, mode: mode)
        var status = stat()
        guard fstat(file.number, &status) == 0 else { throw PlatformError("examine '\(path)'") }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_uid == geteuid() else {
            throw PlatformError("use '\(path)', which is not this user's own regular file", code: EPERM)
        }
        // What has a second name can be another's file under ours. One that was removed has none.
        guard status.st_nlink <= 1 else {
            throw PlatformError("use '\(path)', which is a hard link to another file", code: EPERM)
        }
        if status.st_mode & 0o077 != 0 { fchmod(file.number, 0o600) }
        return file
    }

    /// Opens a file of ours for reading.
    package static func openForReading(_ path: String) throws(PlatformError) -> Descriptor {
        try openRegular(path)
    }

    /// Opens for appending, made with mode 0600 when it is not there.
    package static func openForAppending(_ path: String) throws(PlatformError) -> Descriptor {
        try openRegular(path, flags: O_WRONLY | O_APPEND | O_CREAT)
    }

    /// Replaces the file in one step: a reader sees the old text or the new, and a crash leaves one of them.
    ///
    /// - Parameter directory: where it is written, on the same file system; beside it by default.
    package static func replace(
        _ path: String,
        with content: some Collection<UInt8>,
        mode: mode_t = 0o600,
        writtenIn directory: String? = nil
    ) throws(PlatformError) {
        try publish(content, mode: mode, at: path, writtenIn: directory) { temporary in
            SystemCalls.rename(temporary, path) == 0 ? 0 : errno
        }
    }

    /// Creates the file whole, unless it is already there.
    ///
    /// - Throws: ``PlatformError``, with ``PlatformError/isExistingFile`` when somebody was first.
    package static func create(_ path: String, with content: some Collection<UInt8>) throws(PlatformError) {
        try publish(content, mode: 0o600, at: path) { temporary in
            if platform_rename_new(temporary, path) == 0 { return 0 }
            // A file system that cannot: link(2) fails where rename(2) would overwrite.
            guard errno == EINVAL || errno == ENOSYS || errno == ENOTSUP else { return errno }
            let code = link(temporary, path) == 0 ? 0 : errno
            unlink(temporary)
            return code
        }
    }

    /// - Parameter move: puts the temporary file in its place; returns 0 or an errno.
    private static func publish(
        _ content: some Collection<UInt8>,
        mode: mode_t,
        at path: String,
        writtenIn directory: String? = nil,
        _ move: (String) -> Int32
    ) throws(PlatformError) {
        let name = path.split(separator: "/").last ?? ""
        let temporary = "\(directory.map { "\($0)/\(name)" } ?? path).\(Secret.hexadecimal(bytes: 6)).tmp"
        let file = try Descriptor.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode)
        do throws(PlatformError) {
            try file.write(content)
            guard fsync(file.number) == 0 else { throw PlatformError("write '\(path)'") }
            let code = move(temporary)
            guard code == 0 else { throw PlatformError("write '\(path)'", code: code) }
        } catch {
            unlink(temporary)
            throw error
        }
    }

    /// Copies a file of any size.
    package static func copy(_ source: String, to target: String, mode: mode_t) throws(PlatformError) {
        let from = try Descriptor.open(source, O_RDONLY)
        let to = try Descriptor.open(target, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode)
        while true {
            let chunk = try Descriptor.readSome(from.number, atMost: 1 << 20)
            if chunk.isEmpty { break }
            try to.write(chunk)
        }
        guard fsync(to.number) == 0 else { throw PlatformError("write '\(target)'") }
    }

    package static func makeLink(_ path: String, to target: String) throws(PlatformError) {
        guard symlink(target, path) == 0 else { throw PlatformError("make the link '\(path)'") }
    }

    /// Gives a file a second name (link(2)).
    package static func makeName(_ path: String, for file: String) throws(PlatformError) {
        guard link(file, path) == 0 else { throw PlatformError("give '\(file)' the name '\(path)'") }
    }

    package static func isLink(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
    }

    package static func rename(_ from: String, to: String) throws(PlatformError) {
        guard SystemCalls.rename(from, to) == 0 else { throw PlatformError("rename '\(from)' to '\(to)'") }
    }

    /// Removes a file; one that is not there is no error.
    package static func remove(_ path: String) {
        unlink(path)
    }

    package static func exists(_ path: String) -> Bool {
        access(path, F_OK) == 0
    }

    package static func isExecutable(_ path: String) -> Bool {
        access(path, X_OK) == 0
    }

    package static func size(_ descriptor: Descriptor) throws(PlatformError) -> Int {
        var status = stat()
        guard fstat(descriptor.number, &status) == 0 else { throw PlatformError("examine a file") }
        return Int(status.st_size)
    }

    /// Bytes of the file at the end of all links; nil where there is none.
    package static func size(of path: String) -> Int? {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : nil
    }

    /// When the file was last written, in seconds since 1970 by the clock of whoever keeps it; nil when there is none.
    package static func secondsOfLastWrite(_ path: String) -> Int? {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        return max(0, Int(status.lastWrite))
    }

    /// Makes it a file that was written now, which takes no room.
    package static func touch(_ path: String) throws(PlatformError) {
        guard utimes(path, nil) == 0 else { throw PlatformError("write '\(path)'") }
    }

    package static func mode(_ path: String) -> mode_t? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return status.st_mode & 0o7777
    }

    /// Whether the path is a link, or a file with a second name: something that can be somebody else's file.
    package static func isAlias(_ path: String) -> Bool {
        var status = stat()
        guard lstat(path, &status) == 0 else { return false }
        return status.st_mode & S_IFMT == S_IFLNK || status.st_mode & S_IFMT == S_IFREG && status.st_nlink > 1
    }

    package static func makePrivate(_ path: String) throws(PlatformError) {
        guard chmod(path, 0o600) == 0 else { throw PlatformError("close '\(path)' to other users") }
    }

    package static func truncate(_ descriptor: Descriptor, to size: Int) throws(PlatformError) {
        guard ftruncate(descriptor.number, off_t(size)) == 0 else { throw PlatformError("shorten a file") }
    }

    /// The last bytes of a file, at most `count`.
    package static func tail(_ path: String, count: Int) throws(PlatformError) -> [UInt8] {
        let file = try openRegular(path)
        let size = try size(file)
        guard lseek(file.number, off_t(max(0, size - count)), SEEK_SET) >= 0 else {
            throw PlatformError("read '\(path)'")
        }
        return try file.readAll(limit: count + 1 << 16)
    }

    /// Resolves links, `.` and `..`; nil when there is no such file.
    package static func resolved(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }
}

/// Which file a path leads to: another one may be put in its place.
package struct FileIdentity: Equatable, Sendable {
    private let device: UInt64
    private let number: UInt64

    /// - Returns: nil where there is no file, or it cannot be seen.
    package init?(of path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        self.init(status)
    }

    package static var ofStandardError: FileIdentity? {
        var status = stat()
        guard fstat(STDERR_FILENO, &status) == 0 else { return nil }
        return FileIdentity(status)
    }

    private init(_ status: stat) {
        device = UInt64(truncatingIfNeeded: status.st_dev)
        number = UInt64(truncatingIfNeeded: status.st_ino)
    }
}

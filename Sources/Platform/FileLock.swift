import SystemCalls

/// A lock that the kernel frees when its holder dies, so that no stale one can block anybody (flock(2)).
///
/// Only its holder may remove the file, see ``remove(_:)``: two holders of locks on two files of one name would both be
/// right.
package final class FileLock: Sendable {
    private let file: Descriptor

    private init(file: Descriptor) {
        self.file = file
    }

    /// Takes the lock, or returns nil when somebody holds it.
    ///
    /// - Throws: ``PlatformError`` when the file cannot be used.
    package static func tryLock(_ path: String) throws(PlatformError) -> FileLock? {
        while true {
            let file = try File.openRegular(path, flags: O_RDWR | O_CREAT)
            guard platform_lock(file.number) == 0 else {
                guard errno == EWOULDBLOCK else { throw PlatformError("lock '\(path)'") }
                return nil
            }
            let lock = FileLock(file: file)
            // Its last holder may have removed the file between our opening and our locking it.
            if lock.isInPlace(path) { return lock }
        }
    }

    /// Removes the file that is locked, which ends with the lock.
    package func remove(_ path: String) {
        if isInPlace(path) { File.remove(path) }
    }

    /// The lock that a parent process took and handed down.
    package init(inherited number: Int32) throws(PlatformError) {
        guard platform_lock(number) == 0 else { throw PlatformError("hold the lock of the server") }
        _ = fcntl(number, F_SETFD, FD_CLOEXEC)
        file = Descriptor(owning: number)
    }

    /// Whether the locked file is the one at that path: a file that was removed locks out nobody.
    package func isInPlace(_ path: String) -> Bool {
        var held = stat()
        var there = stat()
        return fstat(file.number, &held) == 0 && stat(path, &there) == 0 && held.st_ino == there.st_ino
            && held.st_dev == there.st_dev
    }

    /// What a child process inherits to hold the lock after us.
    package var descriptor: Descriptor { file }
}

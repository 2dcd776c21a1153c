import SystemCalls

/// A system call that failed, in words.
package struct PlatformError: Error, Equatable, CustomStringConvertible {
    /// What was attempted, such as `open '/home/me/token'`.
    package let attempt: String
    /// The `errno` it failed with.
    package let code: Int32

    package init(_ attempt: String, code: Int32 = errno) {
        self.attempt = attempt
        self.code = code
    }

    package var description: String {
        "cannot \(attempt): \(String(cString: strerror(code)).lowercasedFirst)"
    }

    package var isMissingFile: Bool { code == ENOENT }
    package var isTooBig: Bool { code == EFBIG }
    package var isExistingFile: Bool { code == EEXIST }
    package var isFullDisk: Bool { code == ENOSPC || code == EDQUOT }
    /// The system has not enough of something at this moment, or a disk is in trouble: the same call may work later.
    package var isShortage: Bool {
        isFullDisk || [EMFILE, ENFILE, ENOMEM, EAGAIN, EINTR, EIO, ESTALE, EROFS, ETIMEDOUT].contains(code)
    }
    /// Nobody accepts connections at that socket.
    package var isNobodyListening: Bool { code == ENOENT || code == ECONNREFUSED }
    /// The listener has no room for one more connection at this moment.
    package var isBusy: Bool { code == EAGAIN || code == EINTR }
    /// Whoever read our output is gone.
    package var isBrokenPipe: Bool { code == EPIPE }
}

extension String {
    fileprivate var lowercasedFirst: String { prefix(1).lowercased() + dropFirst() }
}

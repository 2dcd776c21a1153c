import SystemCalls

/// Starting other programs.
package struct ChildProcess: Sendable {
    package let processID: Int32

    package init(processID: Int32) {
        self.processID = processID
    }

    /// What the child gets as its descriptors 0, 1, 2, …
    package enum Stream {
        case inherited(Int32)
        case descriptor(Descriptor)

        fileprivate var number: Int32 {
            switch self {
            case .inherited(let number): number
            case .descriptor(let descriptor): descriptor.number
            }
        }
    }

    /// Starts `path` with `arguments` (its name not among them).
    ///
    /// - Parameter detached: gives it a process session of its own, so that a closing terminal does not end it.
    package static func spawn(
        _ path: String,
        _ arguments: [String],
        environment: [String: String] = Environment.all,
        streams: [Stream] = [.inherited(0), .inherited(1), .inherited(2)],
        detached: Bool = false
    ) throws(PlatformError) -> ChildProcess {
        Descriptor.closeInheritedOnExec()
        // Out of the way of the numbers that the child gets, whatever those are.
        let sources = streams.map { platform_duplicate($0.number, 64) }
        defer { for source in sources where source >= 0 { close(source) } }
        guard !sources.contains(where: { $0 < 0 }) else { throw PlatformError("hand files to '\(path)'") }

        let argumentPointers = ([path] + arguments).map { strdup($0) } + [nil]
        let environmentPointers = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in argumentPointers + environmentPointers { free(pointer) } }
        var processID: pid_t = 0
        let code = platform_spawn(
            &processID,
            path,
            argumentPointers,
            environmentPointers,
            sources,
            Int32(sources.count),
            detached ? 1 : 0
        )
        guard code == 0 else { throw PlatformError("run '\(path)'", code: code) }
        return ChildProcess(processID: processID)
    }

    /// Waits for the end, blocking this thread.
    ///
    /// - Returns: the exit code, or 128 and the signal's number.
    @discardableResult
    package func wait() -> Int32 {
        var status: Int32 = 0
        while waitpid(processID, &status, 0) < 0 {
            guard errno == EINTR else { return -1 }
        }
        let signal = status & 0x7F
        return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
    }

    package func terminate() {
        kill(processID, SIGTERM)
    }

    /// Lets the kernel bury the children that we start and never wait for.
    package static func neverWait() {
        signal(SIGCHLD, SIG_IGN)
    }
}

import SystemCalls

/// What the system knows of a process.
package enum SystemProcess {
    package static var current: Int32 { getpid() }
    package static var parent: Int32 { getppid() }
    package static var userID: UInt32 { geteuid() }

    /// Ends this process.
    package static func exit(_ code: Int32) -> Never {
        SystemCalls.exit(code)
    }

    /// What this machine calls itself.
    package static var hostName: String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "" }
        return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// Lets others run for a while, and blocks its thread.
    package static func yield(milliseconds: Int32 = 5) {
        poll(nil, 0, milliseconds)
    }

    /// False for a process that is gone or a zombie.
    package static func isAlive(_ process: Int32) -> Bool {
        guard process > 0 else { return false }
        guard kill(process, 0) == 0 || errno == EPERM else { return false }
        return !isZombie(process)
    }

    /// Lets this process have as many open files as the system allows it.
    package static func raiseOpenFiles() {
        // Where it does not, it goes with what it has.
        _ = platform_raise_open_files()
    }

    /// How many files this process may have open.
    package static var openFileLimit: Int {
        var limit = rlimit()
        return getrlimit(openFilesResource, &limit) == 0 ? Int(clamping: limit.rlim_max) : 0
    }

    /// Gives the system back what memory is allocated and not used.
    package static func returnUnusedMemory() {
        platform_return_memory()
    }

    package enum Signal: Sendable {
        case terminate, kill
    }

    package static func send(_ signal: Signal, to process: Int32) {
        guard process > 0 else { return }
        kill(process, signal == .terminate ? SIGTERM : SIGKILL)
    }

    /// Kills a process that leads a process group, and the whole group.
    package static func killGroup(of process: Int32) {
        guard process > 1 else { return }
        kill(-process, SIGKILL)
    }

    /// A process above this one, as the system describes it.
    package struct Ancestor: Equatable, Sendable {
        package let processID: Int32
        package let arguments: [String]

        package init(processID: Int32, arguments: [String]) {
            self.processID = processID
            self.arguments = arguments
        }
    }

    /// The processes above this one, nearest first.
    package static func ancestors() -> some Sequence<Ancestor> {
        sequence(state: getpid()) { process in
            guard let above = parent(of: process), above > 0 else { return nil }
            process = above
            return Ancestor(processID: above, arguments: arguments(of: above))
        }
        .prefix(64)  // A longer chain is a loop in what the system told us while processes came and went.
    }
}

import SystemCalls

/// What the system knows of a process.
package enum SystemProcess {
    package static var current: Int32 { getpid() }
    package static var parent: Int32 { getppid() }
    package static var userID: UInt32 { geteuid() }

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
        #if os(Linux)
            let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
            let kind = RLIMIT_NOFILE
        #endif
        return getrlimit(kind, &limit) == 0 ? Int(clamping: limit.rlim_max) : 0
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

    /// The processes above this one, nearest first.
    package static func ancestors() -> some Sequence<SessionKey.Ancestor> {
        sequence(state: getpid()) { process in
            guard let above = parent(of: process), above > 0 else { return nil }
            process = above
            return SessionKey.Ancestor(processID: above, arguments: arguments(of: above))
        }
        .prefix(64)  // A longer chain is a loop in what the system told us while processes came and went.
    }

    #if os(Linux)
        /// The pid namespace of this process; nil where it is the one that the machine began with.
        package static var namespace: UInt64? {
            // PROC_PID_INIT_INO of the kernel's include/linux/proc_ns.h.
            let initial: UInt64 = 0xEFFF_FFFC
            var status = stat()
            guard stat("/proc/self/ns/pid", &status) == 0 else { return nil }
            let number = UInt64(truncatingIfNeeded: status.st_ino)
            return number == initial ? nil : number
        }

        /// The fields of `/proc/<pid>/stat` behind the name: state, parent, …
        private static func status(_ process: Int32) -> [Substring]? {
            // The name, in parentheses, may hold spaces and parentheses of its own.
            guard let text = readText("/proc/\(process)/stat"), let end = text.lastIndex(of: ")") else { return nil }
            return text[text.index(after: end)...].split(separator: " ")
        }

        private static func isZombie(_ process: Int32) -> Bool {
            let state = status(process)?.first
            return state == "Z" || state == "X"
        }

        package static func parent(of process: Int32) -> Int32? {
            guard let fields = status(process), fields.count > 1 else { return nil }
            return Int32(fields[1])
        }

        /// When a process started, as a number that only it and those of the same moment have: in ticks since the
        /// machine did (proc(5), the 22nd field of `stat`). Nil for one that is not there.
        package static func startTime(of process: Int32) -> Int? {
            // The fields begin behind the second.
            guard let fields = status(process), fields.count > 19 else { return nil }
            return Int(fields[19])
        }

        package static func arguments(of process: Int32) -> [String] {
            guard let text = readText("/proc/\(process)/cmdline") else { return [] }
            return text.split(separator: "\0", omittingEmptySubsequences: false).dropLast().map(String.init)
        }

        package static func executable(of process: Int32) -> String? {
            var path = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
            let length = readlink("/proc/\(process)/exe", &path, Int(PATH_MAX))
            guard length > 0 else { return nil }
            return String(decoding: path[..<length].map(UInt8.init(bitPattern:)), as: UTF8.self)
        }

        private static func readText(_ path: String) -> String? {
            guard let file = try? Descriptor.open(path, O_RDONLY), let bytes = try? file.readAll(limit: 1 << 20) else {
                return nil
            }
            return String(decoding: bytes, as: UTF8.self)
        }
    #else
        package static var namespace: UInt64? { nil }

        private static func information(_ process: Int32) -> kinfo_proc? {
            var name = [CTL_KERN, KERN_PROC, KERN_PROC_PID, process]
            var information = kinfo_proc()
            var size = MemoryLayout<kinfo_proc>.stride
            guard sysctl(&name, 4, &information, &size, nil, 0) == 0, size > 0 else { return nil }
            return information
        }

        private static func isZombie(_ process: Int32) -> Bool {
            information(process)?.kp_proc.p_stat == CChar(SZOMB)
        }

        package static func parent(of process: Int32) -> Int32? {
            information(process)?.kp_eproc.e_ppid
        }

        /// When a process started, as a number that only it and those of the same moment have: in microseconds since 1970.
        /// Nil for one that is not there.
        package static func startTime(of process: Int32) -> Int? {
            // p_starttime in C.
            guard let time = information(process)?.kp_proc.p_un.__p_starttime else { return nil }
            return time.tv_sec * 1_000_000 + Int(time.tv_usec)
        }

        package static func arguments(of process: Int32) -> [String] {
            var name = [CTL_KERN, KERN_PROCARGS2, process]
            var size = 0
            guard sysctl(&name, 3, nil, &size, nil, 0) == 0, size > 4 else { return [] }
            var buffer = [UInt8](repeating: 0, count: size)
            guard sysctl(&name, 3, &buffer, &size, nil, 0) == 0, size > 4 else { return [] }
            let count = buffer.withUnsafeBytes { Int($0.loadUnaligned(as: Int32.self)) }
            // The count, the executable's path, padding of zeros, then the arguments.
            let strings = buffer[4..<size].drop { $0 != 0 }.drop { $0 == 0 }
                .split(separator: 0, omittingEmptySubsequences: false)
            return strings.prefix(count).map { String(decoding: $0, as: UTF8.self) }
        }

        package static func executable(of process: Int32) -> String? {
            var path = [CChar](repeating: 0, count: 4096)
            guard proc_pidpath(process, &path, 4096) > 0 else { return nil }
            return String(cString: path)
        }
    #endif
}

#if os(Linux)
    import SystemCalls

    extension SystemProcess {
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

        static func isZombie(_ process: Int32) -> Bool {
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

        static var openFilesResource: __rlimit_resource_t { __rlimit_resource_t(RLIMIT_NOFILE.rawValue) }
    }
#endif

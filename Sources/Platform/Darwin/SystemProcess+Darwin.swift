#if canImport(Darwin)
    import SystemCalls

    extension SystemProcess {
        package static var namespace: UInt64? { nil }

        private static func information(_ process: Int32) -> kinfo_proc? {
            var name = [CTL_KERN, KERN_PROC, KERN_PROC_PID, process]
            var information = kinfo_proc()
            var size = MemoryLayout<kinfo_proc>.stride
            guard sysctl(&name, 4, &information, &size, nil, 0) == 0, size > 0 else { return nil }
            return information
        }

        static func isZombie(_ process: Int32) -> Bool {
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

        static var openFilesResource: Int32 { RLIMIT_NOFILE }
    }
#endif

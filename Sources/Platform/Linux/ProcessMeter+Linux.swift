#if os(Linux)
    import SystemCalls

    extension ProcessMeter {
        /// Bytes of its memory, what it shares with others counted in part (PSS).
        package var memory: Int? {
            guard let file = try? Descriptor.open("/proc/\(process)/smaps_rollup", O_RDONLY),
                let text = try? file.readAll(limit: 1 << 16)
            else { return nil }
            let line = String(decoding: text, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("Pss:") }
            return line.flatMap { Int($0.split(separator: " ")[1]) }.map { $0 * 1024 }
        }

        /// How often its threads have gone to sleep so far, which is how often they were woken.
        package var sleeps: Int? {
            let threads = Directory.entries("/proc/\(process)/task")
            return threads.isEmpty ? nil : threads.reduce(0) { $0 + (sleeps(ofThread: $1) ?? 0) }
        }

        private func sleeps(ofThread thread: String) -> Int? {
            guard let file = try? Descriptor.open("/proc/\(process)/task/\(thread)/status", O_RDONLY),
                let text = try? file.readAll(limit: 1 << 16)
            else { return nil }
            let line = String(decoding: text, as: UTF8.self).split(separator: "\n").first {
                $0.hasPrefix("voluntary_ctxt_switches:")
            }
            return line.flatMap { $0.split(separator: "\t").last }.flatMap { Int($0) }
        }

        package var descriptors: Int? {
            let entries = Directory.entries("/proc/\(process)/fd")
            return entries.isEmpty ? nil : entries.count
        }
    }
#endif

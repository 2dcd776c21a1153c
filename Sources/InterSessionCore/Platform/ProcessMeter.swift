import SystemCalls

/// What a process takes of the machine; nil where the system does not tell.
package struct ProcessMeter: Sendable {
    private let process: Int32

    package init(_ process: Int32) {
        self.process = process
    }

    #if os(Linux)
        /// Bytes of its memory, what it shares with others counted in part (PSS).
        package var memory: Int? {
            guard let file = try? Descriptor.open("/proc/\(process)/smaps_rollup", O_RDONLY),
                let text = try? file.readAll(limit: 1 << 16)
            else { return nil }
            let line = String(decoding: text, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("Pss:") }
            return line.flatMap { Int($0.split(separator: " ")[1]) }.map { $0 * 1024 }
        }

        package var descriptors: Int? {
            let entries = Directory.entries("/proc/\(process)/fd")
            return entries.isEmpty ? nil : entries.count
        }
    #else
        package var memory: Int? { nil }
        package var descriptors: Int? { nil }
    #endif
}

import NIOCore
import Platform

/// The plugin's monitors.json, of which one value is ours to change and no other byte.
package struct MonitorsFile {
    /// The monitor that this plugin declares.
    package static let monitor = "inter-session-client"
    /// Claude Code starts the monitor when a session opens.
    static let on = "always"
    /// Claude Code starts it when the skill is first used; it compares with the skill's qualified name.
    static let off = "on-skill-invoke:inter-session:inter-session"

    package enum Failure: Error {
        case unreadable(path: String, reason: String)
        case noMonitor(path: String)
    }

    package let path: String
    package let isOn: Bool
    /// As read: decoded and encoded again, a byte that is no UTF-8 would come back as another.
    private let bytes: [UInt8]
    /// Where the value of `when` stands; empty, behind the last value, where there is none.
    private let value: Range<Int>
    private let isMissing: Bool

    /// The file of this plugin, nil where there is none: a skill that was installed alone has no monitors.
    ///
    /// `CLAUDE_PLUGIN_ROOT` wins when it is this plugin's: that of another plugin may leak into an environment.
    package static func find() throws -> MonitorsFile? {
        let roots = [Environment["CLAUDE_PLUGIN_ROOT"], PluginRoot.current].compactMap { $0 }
        let paths = roots.map { "\($0)/monitors/monitors.json" }.filter(File.exists)
        for path in paths {
            if let file = try? MonitorsFile(path: path) { return file }
        }
        return try paths.last.map { try MonitorsFile(path: $0) }
    }

    /// - Throws: ``Failure``.
    package init(path: String) throws {
        do {
            try self.init(path: path, bytes: try File.readAny(path, limit: 1 << 20))
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure.unreadable(path: path, reason: "\(error)")
        }
    }

    /// - Parameter bytes: an array of monitors.
    package init(path: String, bytes: [UInt8]) throws {
        // The reader takes objects, so the array becomes the only field of one.
        let opening = #"{"monitors":"#
        let object = try JSONObject(ByteBuffer(bytes: Array(opening.utf8) + bytes + [UInt8(ascii: "}")]))
        let monitors = try object.objects("monitors") ?? []
        let places = try object.elementRanges(of: "monitors") ?? []
        guard let index = try monitors.firstIndex(where: { try $0.string("name") == Self.monitor }) else {
            throw Failure.noMonitor(path: path)
        }
        let start = places[index].lowerBound - opening.utf8.count
        let when = try monitors[index].string("when")
        // Without `when` Claude Code starts a monitor always.
        isOn = when == nil || when == Self.on
        if let range = monitors[index].range(of: "when") {
            value = start + range.lowerBound..<start + range.upperBound
            isMissing = false
        } else {
            let end = start + (monitors[index].endOfLastValue ?? 0)
            value = end..<end
            isMissing = true
        }
        self.path = path
        self.bytes = bytes
    }

    /// Gives `when` the value for on or off.
    package func write(isOn: Bool) throws {
        let word = "\"\(isOn ? Self.on : Self.off)\""
        let replacement = isMissing ? ", \"when\": \(word)" : word
        // A link stays one: what it points to is replaced.
        let target = File.resolved(path) ?? path
        try File.replace(
            target,
            with: bytes[..<value.lowerBound] + Array(replacement.utf8) + bytes[value.upperBound...],
            mode: File.mode(target) ?? 0o644
        )
    }
}

extension MonitorsFile.Failure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unreadable(let path, let reason):
            "'\(path)' cannot be used: \(reason); install the plugin again"
        case .noMonitor(let path):
            "'\(path)' has no monitor called \(MonitorsFile.monitor); install the plugin again"
        }
    }
}

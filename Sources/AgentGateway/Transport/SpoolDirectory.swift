import InterSessionCore
import NIOCore
import Platform

/// The files of a spool (docs/PROTOCOL.md, "Spool"): `<root>/<agent>/new` holds what has come for the agent, `claimed`
/// what its gateway is at, `rejected` what it could not read, and `tmp` what others are writing.
struct SpoolDirectory: Sendable {
    /// Bytes of one body.
    static let mostBytes = WireLimits.frame
    /// Bytes of a name: it becomes part of a key.
    private static let longestName = 128
    private static let parts = ["new", "tmp", "claimed", "rejected"]

    let root: String
    let agent: AgentName

    private var own: String { "\(root)/\(agent)" }
    var arrivals: String { "\(own)/new" }
    var lock: String { "\(own)/owner.lock" }
    var lease: String { "\(own)/owner" }

    /// Makes the agent's directories, which the others see when all of them are there.
    ///
    /// - Throws: `PlatformError`.
    func prepare() throws(PlatformError) {
        let place = File.exists(own) ? own : "\(root)/.\(agent).\(Secret.hexadecimal(bytes: 4))"
        do throws(PlatformError) {
            for name in Self.parts { try Directory.ensurePrivate("\(place)/\(name)") }
            if place != own { try File.rename(place, to: own) }
        } catch {
            guard place != own else { throw error }
            Directory.removeAll(place)
            // Another gateway of the agent was first.
            guard File.exists(own) else { throw error }
        }
    }

    /// Whether nobody has removed a part of it.
    var isWhole: Bool { Self.parts.allSatisfy { File.exists("\(own)/\($0)") } }

    /// The agents that have a directory here, but for this one.
    func otherAgents() -> Set<AgentName> {
        let names = Directory.entries(root).compactMap { AgentName(rawValue: $0) }
        return Set(names.filter { $0 != agent && File.exists("\(root)/\($0)/new") })
    }

    /// Puts a body where the agent's gateway finds it, whole or not at all.
    func publish(_ body: ByteBuffer, to other: AgentName, id: MessageID) throws(PlatformError) {
        try File.replace(
            "\(root)/\(other)/new/\(id).\(agent).json",
            with: body.readableBytesView,
            writtenIn: "\(root)/\(other)/tmp"
        )
    }

    // MARK: Own arrivals

    /// The names of what has come, in the order in which each sender has put it there.
    ///
    /// A directory that is read while files are put into it may show the second of two and not the first. So it is
    /// read twice: of each sender, what the second reading shows up to the last of the first is without gaps.
    func arrived() -> [String] {
        var last: [Substring: String] = [:]
        for name in bodies() { last[Self.sender(name)] = name }
        guard !last.isEmpty else { return [] }
        return bodies().filter { name in last[Self.sender(name)].map { name <= $0 } ?? false }
    }

    /// Sorted. What programs that synchronise directories are writing is not among them.
    private func bodies() -> [String] {
        Directory.entries(arrivals).filter { !$0.hasPrefix(".") && !$0.hasSuffix(".tmp") }
    }

    /// Takes the body out of the way of everybody else.
    ///
    /// - Returns: false when it is not there any more.
    func claim(_ name: String) throws(PlatformError) -> Bool {
        do {
            try File.rename("\(arrivals)/\(name)", to: "\(own)/claimed/\(name)")
            return true
        } catch {
            guard error.isMissingFile else { throw error }
            return false
        }
    }

    /// What was claimed.
    enum Claim {
        case body(ByteBuffer)
        /// It is no body, and was put aside.
        case rejected
        /// Somebody has removed it.
        case gone
    }

    /// Reads what was claimed.
    ///
    /// - Throws: `PlatformError` where another attempt may find it well.
    func read(_ name: String) throws(PlatformError) -> Claim {
        let path = "\(own)/claimed/\(name)"
        do {
            if name.utf8.count <= Self.longestName {
                return .body(ByteBuffer(bytes: try File.read(path, limit: Self.mostBytes)))
            }
        } catch {
            if error.isMissingFile { return .gone }
            guard !error.isShortage else { throw error }
        }
        try File.rename(path, to: "\(own)/rejected/\(name)")
        return .rejected
    }

    func discard(_ name: String) {
        File.remove("\(own)/claimed/\(name)")
    }

    /// Gives back what a gateway had claimed that is there no more.
    func recoverClaims() throws(PlatformError) {
        for name in Directory.entries("\(own)/claimed") {
            try File.rename("\(own)/claimed/\(name)", to: "\(arrivals)/\(name)")
        }
    }

    /// Who has put it there, as its name says: `<id>.<agent>.json`.
    static func agent(of name: String) -> AgentName? {
        let sender = sender(name)
        return sender.lastIndex(of: ".").flatMap { AgentName(rawValue: String(sender[..<$0])) }
    }

    private static func sender(_ name: String) -> Substring {
        name.firstIndex(of: ".").map { name[name.index(after: $0)...] } ?? ""
    }
}

import InterSessionCore

/// The senders that must wait, so that nobody else waits with them.
///
/// A sender has a lane only as long as it waits: for the bus to take more of it, or for room on a disk. What it sends
/// meanwhile is held on disk; what the disk does not take stays in memory, and its transport is not told that it was
/// taken.
struct InboundLanes: Sendable {
    /// A message that nobody has but its transport.
    struct Unsaved: Sendable {
        let message: InboundMessage
        let name: InboundMessageStore.Name
        /// Tells the transport that it may forget the message.
        let acknowledge: @Sendable () async throws -> Void
    }

    /// With so many lanes, whoever comes next waits for one to end.
    private static let mostLanes = 1024
    /// With so much in memory nothing more is taken from the transport.
    private static let mostUnsaved = 64
    private static let mostUnsavedBytes = 16 * 1024 * 1024

    /// Who may be looked at again.
    let due: AsyncStream<AgentName?>
    private let isDue: AsyncStream<AgentName?>.Continuation
    private let waits: AsyncStream<(AgentName?, Duration)>
    private let wait: AsyncStream<(AgentName?, Duration)>.Continuation
    /// What of each sender that waits only its transport has.
    private var lanes: [AgentName?: [Unsaved]] = [:]
    /// Of those who wait for a disk.
    private var backoffs: [AgentName?: Backoff] = [:]

    init() {
        (due, isDue) = AsyncStream.makeStream()
        (waits, wait) = AsyncStream.makeStream()
    }

    /// Waits for each sender until it is due, as long as the task lives.
    func run(by clock: any Clock<Duration>) async {
        await withDiscardingTaskGroup { tasks in
            for await (sender, time) in waits {
                tasks.addTask {
                    guard (try? await clock.sleep(for: time)) != nil else { return }
                    isDue.yield(sender)
                }
            }
        }
    }

    func isWaiting(_ sender: AgentName?) -> Bool { !lanes.isEmpty && lanes[sender] != nil }

    func hasUnsaved(_ sender: AgentName?) -> Bool { lanes[sender]?.isEmpty == false }

    var areMany: Bool { lanes.count >= Self.mostLanes }

    /// The senders with messages that only their transport has, when these are as many as may be.
    var crowd: [AgentName?] {
        let unsaved = lanes.values.flatMap { $0 }
        guard !unsaved.isEmpty else { return [] }
        let bytes = unsaved.reduce(0) { $0 + $1.message.text.utf8.count }
        guard unsaved.count >= Self.mostUnsaved || bytes >= Self.mostUnsavedBytes else { return [] }
        return lanes.filter { !$0.value.isEmpty }.map(\.key)
    }

    /// Has the sender wait.
    ///
    /// - Parameter time: until it is looked at again; nil where that depends on a disk.
    mutating func open(_ sender: AgentName?, for time: Duration?, unsaved: [Unsaved]) {
        lanes[sender, default: []] += unsaved
        wait.yield((sender, time ?? backoffs[sender, default: .retry].next()))
    }

    mutating func add(_ unsaved: Unsaved, to sender: AgentName?) {
        lanes[sender, default: []].append(unsaved)
    }

    /// Ends the waiting of the sender.
    ///
    /// - Returns: what only its transport has; nil when it did not wait.
    mutating func close(_ sender: AgentName?) -> [Unsaved]? {
        lanes.removeValue(forKey: sender)
    }

    /// The sender's messages have found their places.
    mutating func succeeded(_ sender: AgentName?) {
        if !backoffs.isEmpty { backoffs[sender] = nil }
    }
}

import InterSessionCore
import Logging

/// Answers that the mail store gives: who has mail waiting, and what was said (docs/PROTOCOL.md, "History").
final class Lookup {
    private let registry: Registry
    private let storage: Storage
    private let journal: Journal
    private let clock: BusClock
    private let logger: Logger

    init(registry: Registry, storage: Storage, journal: Journal, clock: BusClock, logger: Logger) {
        self.clock = clock
        self.registry = registry
        self.journal = journal
        self.storage = storage
        self.logger = logger
    }

    /// The sessions and gateways that are here.
    func listConnected(ref: String?, on connection: any PeerOutlet) {
        let sessions = registry.connectedSessions.map(\.known.summary)
        connection.write(
            .listing(
                sessions.sorted { ($0.name, $0.sessionID) < ($1.name, $1.sessionID) },
                gateways: registry.gatewaySummaries(for: connection.features, isOnline: true),
                ref: ref
            )
        )
    }

    /// All sessions and gateways that are known, those that are here first.
    func listAll(ref: String?, on connection: any PeerOutlet) {
        perform(on: connection, ref) { store, unwritten in
            try store.waiting(except: unwritten)
        } then: { [registry, clock] counts in
            let now = clock.instant()
            let sessions = registry.sessions.sorted {
                ($0.connected == nil ? 1 : 0, $0.address) < ($1.connected == nil ? 1 : 0, $1.address)
            }
            connection.write(
                .listing(
                    sessions.map { $0.detailedSummary(waiting: counts[$0.mailbox] ?? 0, now: now) },
                    gateways: registry.gatewaySummaries(for: connection.features, isOnline: nil),
                    ref: ref
                )
            )
        }
    }

    func show(_ text: String, ref: String?, on connection: any PeerOutlet) throws(WireError) {
        guard let id = MessageID(text) else { throw .unknownMessage(text) }
        perform(on: connection, ref) { store, _ in
            try store.message(id)
        } then: { [self] mail in
            guard let mail else { return connection.write(WireError.unknownMessage(text).frame(ref: ref)) }
            connection.write(.messages([describe(mail, journal.unwritten)], total: nil, ref: ref))
        }
    }

    func log(_ query: ClientFrame.LogQuery, ref: String?, on connection: any PeerOutlet) throws(WireError) {
        var archive = ArchiveQuery(with: query.with, limit: query.limit)
        if let since = query.since {
            guard let time = Timestamp(iso8601: since) else {
                throw .invalidPayload("the field 'since' must be a time as in 2026-01-31T09:00:00Z")
            }
            archive.since = MessageID(at: time)
        }
        if let session = query.unseenBy {
            guard let known = registry.session(called: session) else {
                return connection.write(.messages([], total: 0, ref: ref))
            }
            archive.unseenIn = known.mailbox
        }
        archive.words = (query.grep ?? "").split(whereSeparator: \.isWhitespace).map(String.init)
        guard query.grep == nil || !archive.words.isEmpty else {
            throw .invalidPayload("the field 'grep' holds no word")
        }
        if archive.words.isEmpty {
            search(archive, ref: ref, on: connection)
        } else {
            searchIndexed(archive, ref: ref, on: connection)
        }
    }

    /// Searches when everything is in the index.
    private func searchIndexed(_ query: ArchiveQuery, ref: String?, on connection: any PeerOutlet) {
        perform(on: connection, ref) { store, _ in
            try store.extendIndex()
        } then: { [self] isUnfinished in
            isUnfinished ? searchIndexed(query, ref: ref, on: connection) : search(query, ref: ref, on: connection)
        }
    }

    private func search(_ query: ArchiveQuery, ref: String?, on connection: any PeerOutlet) {
        perform(on: connection, ref) { store, unwritten in
            var query = query
            query.settled = query.unseenIn.flatMap { unwritten[$0] } ?? []
            return try store.search(query)
        } then: { [self] result in
            let total = query.unseenIn == nil ? nil : result.total
            let unwritten = journal.unwritten
            connection.write(.messages(result.found.map { describe($0, unwritten) }, total: total, ref: ref))
        }
    }

    /// - Parameter body: is given what the store may not know: messages of each mailbox that are settled.
    private func perform<Outcome: Sendable>(
        on connection: any PeerOutlet,
        _ ref: String?,
        _ body: @escaping @Sendable (inout MailStore, _ unwritten: [Int64: Set<MessageID>]) throws -> Outcome,
        then completion: @escaping (Outcome) -> Void
    ) {
        // What was acknowledged before the question is part of the answer, whether or not it can be written.
        journal.flush()
        let unwritten = journal.unwritten.messages
        storage.perform { store in
            try body(&store, unwritten)
        } then: { [logger] outcome in
            switch outcome {
            case .success(let value): completion(value)
            case .failure(let error):
                logger.error("a lookup failed: \(error)")
                connection.write(WireError.storageFull("the mail cannot be read (\(error))").frame(ref: ref))
            }
        }
    }

    private func describe(
        _ mail: ArchivedMail,
        _ unwritten: UnwrittenSettlements
    ) -> ServerFrame.ArchivedMessage {
        var description = ServerFrame.ArchivedMessage(
            message: mail.message,
            bytes: mail.bytes,
            deliveries: mail.deliveries.map { delivery in
                let receiver = registry[mailbox: delivery.mailbox]
                let isOnTheWay = receiver?.owesAcknowledgement(of: mail.id) ?? false
                let state = unwritten.state(of: mail.id, in: delivery.mailbox) ?? delivery.state
                return .init(
                    sessionID: receiver?.id.rawValue ?? "",
                    name: name(of: receiver, in: mail),
                    state: isOnTheWay && state == .queued
                        ? .delivered : receiver?.describe(state) ?? state.deliveryState
                )
            }
        )
        description.key = mail.key
        return description
    }

    private func name(of receiver: KnownPeer?, in mail: ArchivedMail) -> String {
        switch receiver?.owner {
        case .session: receiver?.name?.rawValue ?? ""
        // A gateway has no name; what it has in hand is for somebody beyond it.
        case .gateway: mail.message.to ?? ""
        case nil: ""
        }
    }
}

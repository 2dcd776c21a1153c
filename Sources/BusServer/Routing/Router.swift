import InterSessionCore
import Logging

/// What happens for each frame. It belongs to the server's one event loop, and everything it owns with it.
final class Router {
    private let membership: Membership
    private let delivery: Delivery
    private let lookup: Lookup
    private let messages: MessageRouter
    private let gateways: GatewayRouter
    private let clock: BusClock
    private let logger: Logger
    /// The server ends without its clients' consent: nothing is accepted any more.
    private var isLeaving = false
    private var refusals = RefusalLog()

    init(
        membership: Membership,
        delivery: Delivery,
        lookup: Lookup,
        messages: MessageRouter,
        gateways: GatewayRouter,
        clock: BusClock,
        logger: Logger
    ) {
        self.membership = membership
        self.delivery = delivery
        self.lookup = lookup
        self.messages = messages
        self.gateways = gateways
        self.clock = clock
        self.logger = logger
    }

    /// Does what the frame asks, and answers on the connection.
    ///
    /// - Throws: ``WireError``, which the connection tells its peer.
    func route(_ request: ClientRequest, from connection: any PeerOutlet) throws(WireError) {
        guard !isLeaving else {
            // What is not answered was not accepted: its sender says it again to the next server.
            connection.close(.goingAway)
            return
        }
        switch RoutedFrame(request.frame) {
        case .hello(let hello):
            guard case .awaitingHello = connection.peer else { throw .unknownOp("hello was said already") }
            try membership.welcome(hello, on: connection)
        case .anybody(let frame):
            _ = try member(behind: connection)
            try route(frame, ref: request.ref, from: connection)
        case .member(let frame):
            guard let member = try member(behind: connection) else { throw .unauthorized("an observer can only look") }
            try route(frame, of: member, ref: request.ref, from: connection)
        }
    }

    /// The peer has gone; what it was on the bus goes with it.
    func connectionClosed(_ connection: any PeerOutlet) {
        switch connection.peer {
        case .awaitingHello, .observer: break
        case .control(let right): delivery.connectionClosed(connection, of: right.session)
        case .member(let peer):
            delivery.connectionClosed(connection, of: peer.known)
            membership.leave(peer)
        }
    }

    /// A hello was not accepted.
    func refusedHello(_ error: WireError) {
        if let line = refusals.line(for: error, at: clock.instant()) { logger.warning("\(line)") }
    }

    /// The socket takes more.
    func connectionDrained(_ connection: any PeerOutlet) {
        if case .member(let peer) = connection.peer { delivery.catchUp(peer) }
    }

    /// Accepts nothing from now on.
    func stopAccepting() {
        isLeaving = true
    }

    private func route(
        _ frame: RoutedFrame.OfAnybody,
        ref: String?,
        from connection: any PeerOutlet
    ) throws(WireError) {
        switch frame {
        case .ping: connection.whenSettled { $0.write(.pong(ref: ref)) }
        case .bye: connection.whenSettled { $0.close(.normal) }
        case .list(let all):
            if all, connection.features.contains(.sessions) {
                lookup.listAll(ref: ref, on: connection)
            } else {
                lookup.listConnected(ref: ref, on: connection)
            }
        case .show(let id):
            try require(.history, on: connection)
            try lookup.show(id, ref: ref, on: connection)
        case .log(let query):
            try require(.history, on: connection)
            try lookup.log(query, ref: ref, on: connection)
        }
    }

    private func route(
        _ frame: RoutedFrame.OfMember,
        of member: ConnectedPeer,
        ref: String?,
        from connection: any PeerOutlet
    ) throws(WireError) {
        // An acknowledgement is no sign of activity: a client gives it by itself.
        if case .acknowledge = frame {} else { member.lastActive = clock.instant() }
        switch (frame, member.known.owner) {
        case (.acknowledge(let ids), _):
            try require(.acks, on: connection)
            delivery.acknowledge(ids, by: member, on: connection)
        case (.send(let target, let message), .session):
            try messages.send(message, to: target, of: member, ref: ref, connection)
        case (.send(let target, let message), .gateway) where target.contains("@"):
            // It writes to the outside in its own name.
            try messages.send(message, to: target, of: member, ref: ref, connection)
        case (.session(let frame), .session): try route(frame, of: member, ref: ref, from: connection)
        case (.gateway(let frame), .gateway): try route(frame, of: member, ref: ref, from: connection)
        case (.gateway, .session): throw .unauthorized("only a gateway may do this")
        case (.send, .gateway), (.session, .gateway):
            throw .unauthorized("a gateway is no session; it can deliver, return, and send to label@agent")
        }
    }

    private func route(
        _ frame: RoutedFrame.OfSession,
        of session: ConnectedPeer,
        ref: String?,
        from connection: any PeerOutlet
    ) throws(WireError) {
        switch frame {
        case .broadcast(let message): try messages.broadcast(message, of: session, ref: ref, connection)
        case .rename(let name): try membership.rename(session, to: name, ref: ref, connection)
        case .disconnect:
            try require(.sessions, on: connection)
            connection.whenSettled { [membership] in membership.disconnect(session, ref: ref, on: $0) }
        }
    }

    private func route(
        _ frame: RoutedFrame.OfGateway,
        of gateway: ConnectedPeer,
        ref: String?,
        from connection: any PeerOutlet
    ) throws(WireError) {
        switch frame {
        case .deliver(let mail): try gateways.deliver(mail, by: gateway, ref: ref, connection)
        case .setAgents(let names): try gateways.setAgents(names, of: gateway)
        case .giveBack(let id, let reason): try gateways.giveBack(id, because: reason, by: gateway)
        }
    }

    /// The session or gateway that the connection is, or acts for; nil for an observer.
    private func member(behind connection: any PeerOutlet) throws(WireError) -> ConnectedPeer? {
        switch connection.peer {
        case .awaitingHello: throw .unauthorized("the first frame must be hello")
        case .observer: return nil
        case .member(let peer): return peer
        case .control(let right):
            guard let session = right.granter else {
                throw .unauthorized("the session that this connection acted for has left")
            }
            return session
        }
    }

    private func require(_ feature: Features, on connection: any PeerOutlet) throws(WireError) {
        guard connection.features.contains(feature) else {
            throw .unknownOp("this op needs the feature '\(feature.names.joined())' in hello")
        }
    }
}

import InterSessionCore

/// A frame, sorted by who may say it (docs/PROTOCOL.md, "Operations"). Each op stands here once; the router has a switch
/// for each group.
enum RoutedFrame {
    case hello(ClientFrame.Hello)
    case anybody(OfAnybody)
    case member(OfMember)

    /// Of every peer that has said hello.
    enum OfAnybody {
        case ping, bye
        case list(all: Bool)
        case show(messageID: String)
        case log(ClientFrame.LogQuery)
    }

    /// Of those that have a mailbox: of both kinds, of sessions alone, or of gateways alone.
    enum OfMember {
        case acknowledge([MessageID])
        case send(to: String, ClientFrame.Outgoing)
        case session(OfSession)
        case gateway(OfGateway)
    }

    enum OfSession {
        case broadcast(ClientFrame.Outgoing)
        case rename(name: String)
        case disconnect
    }

    enum OfGateway {
        case deliver(ClientFrame.Inbound)
        case setAgents([String])
        case giveBack(messageID: String, reason: String)
    }

    init(_ frame: ClientFrame) {
        self =
            switch frame {
            case .hello(let hello): .hello(hello)
            case .ping: .anybody(.ping)
            case .bye: .anybody(.bye)
            case .list(let all): .anybody(.list(all: all))
            case .show(let id): .anybody(.show(messageID: id))
            case .log(let query): .anybody(.log(query))
            // What is no id names no message.
            case .ack(let ids): .member(.acknowledge(ids.compactMap { MessageID($0) }))
            case .send(let target, let message): .member(.send(to: target, message))
            case .broadcast(let message): .member(.session(.broadcast(message)))
            case .rename(let name): .member(.session(.rename(name: name)))
            case .disconnect: .member(.session(.disconnect))
            case .deliver(let mail): .member(.gateway(.deliver(mail)))
            case .agents(let names): .member(.gateway(.setAgents(names)))
            case .giveBack(let id, let reason): .member(.gateway(.giveBack(messageID: id, reason: reason)))
            }
    }
}

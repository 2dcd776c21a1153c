/// One thing that is done to a bus. What cannot be done, such as a message of somebody who is away, is passed over: so
/// any part of a sequence is a sequence, and can be made smaller.
enum Operation: Sendable {
    enum NameWish: Sendable {
        case none
        case name(String)
        case suggestion(String)
    }

    enum Departure: Sendable {
        case bye
        case disconnect
        /// The connection ends without a word.
        case drop
    }

    enum Choice: Sendable {
        case all
        case oldest
        case newest
        case nothingKnown
    }

    struct Hello: Sendable {
        let id: String
        let wish: NameWish
        let acknowledges: Bool
        let holds: Bool
        /// Whether it names what it has shown before.
        let namesPrinted: Bool
    }

    case join(Hello)
    case leave(String, Departure)
    case rename(String, to: String)
    /// With a key where there is one: the same key means the same message again.
    case send(String, to: String, key: Int?)
    case broadcast(String)
    case acknowledge(String, Choice)
    case list(String)
    case listAll(String)
    /// The calendar is set to another time.
    case step(hours: Double)
    /// Time passes, and the maintenance looks once at the end of it.
    case pass(hours: Double)
    /// A second, in which what may wait is written.
    case pause
    case restart
    case kill
}

/// An operation, where it is done, and whether its outcome is awaited before the next.
struct Step: Sendable, CustomStringConvertible {
    /// One of two buses in one data directory.
    var bus = 0
    let operation: Operation
    var settles = true

    var description: String { "bus \(bus): \(operation)\(settles ? "" : ", not awaited")" }
}

extension Operation.Hello {
    /// - Parameter printed: ids of messages.
    func frame(printed: [String]) -> String {
        let wished =
            switch wish {
            case .none: ""
            case .name(let name): #""name":"\#(name)","#
            case .suggestion(let name): #""suggested_name":"\#(name)","#
            }
        let features =
            ["receipts", "keys", "sessions"] + (acknowledges ? ["acks"] : []) + (holds ? ["hold"] : [])
        let list = { (words: [String]) in words.map { "\"\($0)\"" }.joined(separator: ",") }
        return
            #"{"op":"hello","role":"agent","session_id":"\#(id)",\#(wished)"nonce":"n-\#(id)","features":[\#(list(features))],"printed":[\#(list(printed))]}"#
    }
}

extension Operation: CustomStringConvertible {
    var description: String {
        switch self {
        case .join(let hello):
            let wish =
                switch hello.wish {
                case .none: "without a name"
                case .name(let name): "as '\(name)'"
                case .suggestion(let name): "as '\(name)' or the like"
                }
            let features = (hello.acknowledges ? ", acks" : "") + (hello.holds ? ", hold" : "")
            return "\(hello.id) joins \(wish)\(features)\(hello.namesPrinted ? ", says what it has shown" : "")"
        case .leave(let id, let departure): return "\(id) leaves (\(departure))"
        case .rename(let id, let name): return "\(id) becomes '\(name)'"
        case .send(let id, let target, let key): return "\(id) sends to '\(target)'\(key.map { ", key \($0)" } ?? "")"
        case .broadcast(let id): return "\(id) sends to all"
        case .acknowledge(let id, let choice): return "\(id) acknowledges \(choice)"
        case .list(let id): return "\(id) lists who is here"
        case .listAll(let id): return "\(id) lists who is known"
        case .step(let hours): return "the calendar is set \(hours) h later"
        case .pass(let hours): return "\(hours) h pass"
        case .pause: return "a second passes"
        case .restart: return "the server ends and starts again"
        case .kill: return "the server is killed and starts again"
        }
    }
}

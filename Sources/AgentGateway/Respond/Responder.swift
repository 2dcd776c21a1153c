import InterSessionCore
import Logging
import NIOCore
import Platform

/// Answers for an agent none of whose sessions is there: a command gets each message, and what it prints is the answer.
///
/// A message is on disk before its command runs, until the answer is on the bus: one that was cut off runs again.
actor Responder {
    private let command: ResponseCommand
    private let mostAtOnce: Int
    private let gateway: GatewayPeer
    private let failures: FailedMessages
    private let logger: Logger
    private var messages: InboundMessageStore
    private let queue: AsyncStream<InboundMessageStore.Name>
    private let enqueue: AsyncStream<InboundMessageStore.Name>.Continuation

    init(
        command: ResponseCommand,
        mostAtOnce: Int,
        gateway: GatewayPeer,
        messages: InboundMessageStore,
        failures: FailedMessages,
        logger: Logger
    ) {
        self.command = command
        self.mostAtOnce = mostAtOnce
        self.gateway = gateway
        self.messages = messages
        self.failures = failures
        self.logger = logger
        (queue, enqueue) = AsyncStream.makeStream()
        // What a gateway of before was at.
        for entry in messages.entries { enqueue.yield(entry.name) }
    }

    func has(_ message: InboundMessage) -> Bool { messages.contains(message) }

    func take(_ message: InboundMessage, as name: InboundMessageStore.Name) throws {
        try messages.add(message, as: name)
        enqueue.yield(name)
    }

    /// Runs until the task is cancelled.
    nonisolated func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            var running = 0
            for await name in queue {
                if running >= mostAtOnce {
                    try await tasks.next()
                    running -= 1
                }
                running += 1
                tasks.addTask { try await self.answer(name) }
            }
        }
    }

    private func answer(_ name: InboundMessageStore.Name) async throws {
        var outage = Outage("a message cannot be answered", logger)
        let message: InboundMessage
        do {
            message = try messages.read(name)
        } catch {
            logger.error("a message that was to be answered cannot be read any more: \(error)")
            return messages.forget(name)
        }
        var failure: [UInt8]?
        while true {
            do {
                let text = try await command.run(on: messages.file(of: name))
                outage.end()
                // A command may have nothing to say.
                if !text.isEmpty { try await send(text, to: message) }
                return messages.remove(name)
            } catch let error as ResponseCommand.Failure {
                logger.warning("no answer to a message: \(error)")
                failure = error.errors
            } catch BusError.refused(let refusal) {
                logger.warning("an answer could not be sent: \(refusal)")
                failure = Array("the answer could not be sent: \(refusal)\n".utf8)
            } catch let error as PlatformError {
                // The command has not run.
                guard File.exists(messages.file(of: name)) else { return messages.forget(name) }
                try await outage.wait(after: error)
                continue
            }
            break
        }
        while let reason = failure {
            do {
                try messages.move(name, to: failures, because: reason)
                outage.end()
                failure = nil
            } catch {
                guard File.exists(messages.file(of: name)) else { return messages.forget(name) }
                try await outage.wait(after: error)
            }
        }
    }

    private func send(_ text: String, to message: InboundMessage) async throws {
        var answer = ClientFrame.Outgoing(text, inReplyTo: message.id, isAutomatic: true)
        answer.key = "answer:\(message.key)"
        _ = try await gateway.ask(.send(to: message.sender, answer))
    }
}

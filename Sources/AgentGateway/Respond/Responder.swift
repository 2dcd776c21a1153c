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
    private let link: BusLink
    private let failures: LetterFailures
    private let logger: Logger
    private var letters: LetterStore
    private let queue: AsyncStream<LetterStore.Name>
    private let enqueue: AsyncStream<LetterStore.Name>.Continuation

    init(
        command: ResponseCommand,
        mostAtOnce: Int,
        link: BusLink,
        letters: LetterStore,
        failures: LetterFailures,
        logger: Logger
    ) {
        self.command = command
        self.mostAtOnce = mostAtOnce
        self.link = link
        self.letters = letters
        self.failures = failures
        self.logger = logger
        (queue, enqueue) = AsyncStream.makeStream()
        // What a gateway of before was at.
        for entry in letters.entries { enqueue.yield(entry.name) }
    }

    func has(_ letter: Letter) -> Bool { letters.contains(letter) }

    func take(_ letter: Letter, as name: LetterStore.Name) throws {
        try letters.add(letter, as: name)
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

    private func answer(_ name: LetterStore.Name) async throws {
        var trouble = Trouble("a message cannot be answered", logger)
        let letter: Letter
        do {
            letter = try letters.read(name)
        } catch {
            logger.error("a message that was to be answered cannot be read any more: \(error)")
            return letters.forget(name)
        }
        var failure: [UInt8]?
        while true {
            do {
                let text = try await command.run(on: letters.file(of: name))
                trouble.end()
                // A command may have nothing to say.
                if !text.isEmpty { try await send(text, to: letter) }
                return letters.remove(name)
            } catch let error as ResponseCommand.Failure {
                logger.warning("no answer to a message: \(error)")
                failure = error.errors
            } catch BusError.refused(let refusal) {
                logger.warning("an answer could not be sent: \(refusal)")
                failure = Array("the answer could not be sent: \(refusal)\n".utf8)
            } catch let error as PlatformError {
                // The command has not run.
                guard File.exists(letters.file(of: name)) else { return letters.forget(name) }
                try await trouble.wait(after: error)
                continue
            }
            break
        }
        while let reason = failure {
            do {
                try letters.move(name, to: failures, because: reason)
                trouble.end()
                failure = nil
            } catch {
                guard File.exists(letters.file(of: name)) else { return letters.forget(name) }
                try await trouble.wait(after: error)
            }
        }
    }

    private func send(_ text: String, to letter: Letter) async throws {
        var answer = ClientFrame.Outgoing(text, inReplyTo: letter.id, isAutomatic: true)
        answer.key = "answer:\(letter.key)"
        _ = try await link.ask(.send(to: letter.sender, answer))
    }
}

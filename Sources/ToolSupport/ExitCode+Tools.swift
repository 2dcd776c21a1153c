package import ArgumentParser

/// What a tool's exit code means to a script (README, "Commands").
extension ExitCode {
    /// Refused or failed; standard error says why and what to do.
    package static let refused = ExitCode(1)
    /// No answer came in time.
    package static let unanswered = ExitCode(3)
    /// The bus cannot be reached.
    package static let unreachable = ExitCode(4)
    /// Bad arguments, `EX_USAGE` of sysexits(3).
    package static let usage = ExitCode(64)
}

import InterSessionCore
import Platform

/// Whether the user wants what is about to be done.
struct Consent {
    /// `--yes` was given.
    let isGiven: Bool

    /// Says what will be done, and asks unless it is allowed already.
    ///
    /// - Throws: ``InstallError/notAllowed``, also where nobody can answer.
    func ask(_ plan: String) throws {
        try StandardStreams.print(plan)
        if isGiven { return }
        guard StandardStreams.inputIsTerminal else { throw InstallError.notAllowed }
        try StandardStreams.print("Go on? [y/N]")
        guard let answer = readLine(), ["y", "yes"].contains(answer.lowercased()) else {
            throw InstallError.notAllowed
        }
    }
}

import ArgumentParser
import InterSessionCore
import ToolSupport

/// Why an installation did not happen. What was installed before is untouched in each case.
enum InstallError: Error, Equatable {
    case noSources
    case noSwift
    case notAllowed
    case missing(what: String, install: String)
    case commandFailed(String, code: Int32)
    case unsafeTarball(String)
    case incompleteRelease(tool: String)
    case wrongVersion(tool: String, said: String)
    case selfTest(step: String, said: String)
    case notInstalled
    case busy
    case notRemoved(String)
}

extension InstallError: ToolError {
    var description: String {
        switch self {
        case .noSources:
            "there are no sources here to build; run install-deps --from <tarball>"
        case .noSwift:
            "there is no Swift toolchain on PATH; install one from https://www.swift.org/install/ and run this again, "
                + "or unpack a built release: install-deps --from <tarball>"
        case .notAllowed:
            "nothing was done; run it with --yes, or answer y"
        case .missing(let what, let install):
            "\(what) is missing; install it with: \(install)"
        case .commandFailed(let command, let code):
            "'\(command)' ended with \(code), see above; what was installed before is still in use"
        case .unsafeTarball(let name):
            "the tarball holds '\(name)', which is no file of a release; nothing was unpacked"
        case .incompleteRelease(let tool):
            "the release has no '\(tool)'; what was installed before is still in use"
        case .wrongVersion(let tool, let said):
            "'\(tool)' does not run as version \(InterSession.version) (it said '\(said)'); "
                + "what was installed before is still in use"
        case .selfTest(let step, let said):
            "the self-test failed at: \(step)\(said.isEmpty ? "" : " (\(said))"); what was installed before is still in use"
        case .notInstalled:
            "not installed; run install-deps"
        case .busy:
            "another install-deps is at work; try again when it is done"
        case .notRemoved(let path):
            "'\(path)' could not be removed whole; look at the permissions in it and run this again"
        }
    }

    var exitCode: ExitCode { .refused }
}

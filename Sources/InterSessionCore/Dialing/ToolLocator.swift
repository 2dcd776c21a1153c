import Platform

/// Finds another tool of the toolkit.
package enum ToolLocator {
    /// The tool beside this one; else where the launchers look.
    ///
    /// - Throws: ``BusError/serverDidNotStart(reason:)`` when it is nowhere.
    package static func path(of tool: String, in directory: DataDirectory) throws(BusError) -> String {
        var places: [String] = []
        if let executable = Environment.executable, let slash = executable.lastIndex(of: "/") {
            places.append(String(executable[..<slash]))
        }
        if let place = Environment["INTER_SESSION_LIBEXEC"] { places.append(place) }
        // An update may have removed the directory that we were started from.
        places.append("\(directory.libexec)/\(InterSession.version)")
        guard let place = places.first(where: { File.isExecutable("\($0)/\(tool)") }) else {
            throw .serverDidNotStart(reason: "the program '\(tool)' is not installed; run /inter-session install-deps")
        }
        return "\(place)/\(tool)"
    }
}

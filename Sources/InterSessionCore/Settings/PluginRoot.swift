import Platform

/// Where the plugin's own files are: `monitors/`, `bin/`, `Package.swift`.
package enum PluginRoot {
    /// `INTER_SESSION_ROOT`, which the launchers set; else the checkout that this program was built in.
    package static var current: String? {
        if let root = Environment["INTER_SESSION_ROOT"] { return root }
        // <root>/.build/<triple>/<configuration>/<tool>, links resolved.
        guard let parts = Environment.executable?.split(separator: "/"),
            let build = parts.lastIndex(of: ".build")
        else { return nil }
        return "/" + parts[..<build].joined(separator: "/")
    }
}

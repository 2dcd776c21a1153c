/// The toolkit itself.
package enum InterSession {
    /// Names the directory that the tools are installed in, so it changes with every release. `bin/launcher` and
    /// plugin.json carry the same.
    package static let version = "0.2.0"
}

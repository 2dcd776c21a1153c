/// What a process takes of the machine; nil where the system does not tell.
package struct ProcessMeter: Sendable {
    let process: Int32

    package init(_ process: Int32) {
        self.process = process
    }
}

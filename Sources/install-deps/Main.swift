import ArgumentParser
import NIOPosix
@main struct Warm: ParsableCommand { mutating func run() { print("hi") } }

// Never run: what this depends on is what is installed, see Package.swift. In C, SwiftPM would not build it.

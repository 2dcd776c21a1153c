// The system's C library under one name, whatever the system, with the few calls that Swift cannot make itself.

@_exported public import CPlatform

#if canImport(Darwin)
    @_exported public import Darwin
#else
    @_exported public import Glibc
#endif

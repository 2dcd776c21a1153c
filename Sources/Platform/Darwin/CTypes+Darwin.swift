#if canImport(Darwin)
    import SystemCalls

    // What the C library of this system types or names in its own way.

    extension UnixSocket {
        static var streamType: Int32 { SOCK_STREAM }
    }

    extension stat {
        /// In seconds since 1970.
        var lastWrite: time_t { st_mtimespec.tv_sec }
    }
#endif

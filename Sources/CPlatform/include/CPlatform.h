#pragma once

// What Swift's own view of libc leaves out or cannot call: everything else in Platform/ is Swift.

#include <sys/types.h>

/// The user at the other end of a connected Unix socket, or -1 with errno set.
int platform_peer_user(int socket, uid_t *user);

#if defined(__linux__)
/// What SO_PEERCRED fills in: glibc hides its own `struct ucred` behind a macro.
struct platform_credentials {
    pid_t pid;
    uid_t uid;
    gid_t gid;
};
#endif

/// A descriptor that becomes readable when the process ends, or -1 with errno set (ENOSYS where there is none).
int platform_process_descriptor(pid_t process);

/// Has SIGTERM and SIGINT make a descriptor readable instead of ending the process: the descriptor, which is for the
/// process's life, or -1 with errno set.
int platform_termination_signals(void);

/// A descriptor that becomes readable when the entries of the directory change, or -1 with errno set. It is for the
/// process's life.
int platform_watch_directory(const char *path);

/// Takes note of the changes until now, so that the descriptor becomes readable at the next one.
void platform_drain_watch(int watch);

/// Calls `body` on a new thread, which ends with it: 0, or the number of an error.
int platform_start_thread(void (*body)(void *), void *context);

/// Takes (non-blocking) the whole-file lock that dies with its last descriptor: 0, or -1 with errno set.
int platform_lock(int descriptor);

/// open(2) with its variable arguments spelled out.
int platform_open(const char *path, int flags, mode_t mode);

/// rename(2) that does not replace: 0, or -1 with errno set, which is EEXIST where `to` exists.
int platform_rename_new(const char *from, const char *to);

/// Lets this process have as many open files as the system allows it: the number, or -1 with errno set.
long platform_raise_open_files(void);

/// Gives the system back what memory is allocated and not used, and the program's own pages that are as on disk, where
/// that can be done.
void platform_return_memory(void);

/// Duplicates a descriptor to a number of at least `lowest`, closed on exec.
int platform_duplicate(int descriptor, int lowest);

/// Spawns `path` in a process session of its own where `new_session` is true, with default signal handling, and with
/// `sources[i]` as descriptor `i` for each i below `count`. Returns 0 or an errno.
int platform_spawn(pid_t *process, const char *path, char *const arguments[], char *const environment[],
                   const int *sources, int count, int new_session);

/// The environment of this process.
char **platform_environment(void);

/// Seconds and nanoseconds since 1970, UTC.
void platform_now(long *seconds, long *nanoseconds);

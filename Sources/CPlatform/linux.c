#if defined(__linux__)
#define _GNU_SOURCE
#include "CPlatform.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

// Headers of before Linux 5.3 do not name it; a kernel that has none says ENOSYS.
#if !defined(SYS_pidfd_open)
#define SYS_pidfd_open 434
#endif

_Static_assert(sizeof(struct platform_credentials) == sizeof(struct ucred), "the layout of SO_PEERCRED");

int platform_peer_user(int socket, uid_t *user) {
    struct ucred credentials;
    socklen_t length = sizeof credentials;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) return -1;
    *user = credentials.uid;
    return 0;
}

int platform_process_descriptor(pid_t process) { return (int)syscall(SYS_pidfd_open, process, 0); }

int platform_watch_directory(const char *path) {
    int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (watch < 0) return -1;
    if (inotify_add_watch(watch, path, IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) < 0) {
        int code = errno;
        close(watch);
        errno = code;
        return -1;
    }
    return watch;
}

void platform_drain_watch(int watch) {
    char events[4096];
    while (read(watch, events, sizeof events) > 0) {
    }
}

int platform_rename_new(const char *from, const char *to) {
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 1 /* RENAME_NOREPLACE */);
}

char **platform_environment(void) {
    extern char **environ;
    return environ;
}

long platform_raise_open_files(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return -1;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return -1;
    return (long)limit.rlim_cur;
}

void platform_return_memory(void) {
    malloc_trim(0);
    // The pages of the program itself that are read-only: what is needed again is mapped again, in microseconds.
    char program[4096], line[4096 + 128], path[4096], rights[8];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    FILE *maps = length > 0 ? fopen("/proc/self/maps", "re") : NULL;
    if (maps == NULL) return;
    program[length] = 0;
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long start, end;
        if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %4095[^\n]", &start, &end, rights, path) == 4 &&
            strcmp(rights, "r-xp") == 0 && strcmp(path, program) == 0)
            madvise((void *)start, end - start, MADV_DONTNEED);
    }
    fclose(maps);
}
#endif

#define _GNU_SOURCE
#include "CPlatform.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#if defined(__linux__)
#include <malloc.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#else
#include <crt_externs.h>
#include <sys/event.h>
#include <sys/ucred.h>
#endif

#if defined(__linux__)
_Static_assert(sizeof(struct platform_credentials) == sizeof(struct ucred), "the layout of SO_PEERCRED");
#endif

int platform_peer_user(int socket, uid_t *user) {
#if defined(__linux__)
    struct ucred credentials;
    socklen_t length = sizeof credentials;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) return -1;
    *user = credentials.uid;
    return 0;
#else
    gid_t group;
    return getpeereid(socket, user, &group);
#endif
}

int platform_process_descriptor(pid_t process) {
#if defined(__linux__) && defined(SYS_pidfd_open)
    return (int)syscall(SYS_pidfd_open, process, 0);
#elif defined(__APPLE__)
    int queue = kqueue();
    if (queue < 0) return -1;
    struct kevent change;
    EV_SET(&change, process, EVFILT_PROC, EV_ADD, NOTE_EXIT, 0, NULL);
    if (kevent(queue, &change, 1, NULL, 0, NULL) != 0) {
        int code = errno;
        close(queue);
        errno = code;
        return -1;
    }
    fcntl(queue, F_SETFD, FD_CLOEXEC);
    return queue;
#else
    (void)process;
    errno = ENOSYS;
    return -1;
#endif
}

static int termination_pipe = -1;

static void report_termination(int signal) {
    int code = errno;
    unsigned char byte = (unsigned char)signal;
    // Nothing can be done here when it fails, and it cannot: the pipe is empty, or says the same already.
    ssize_t written = write(termination_pipe, &byte, 1);
    (void)written;
    errno = code;
}

int platform_termination_signals(void) {
    int ends[2];
    if (pipe(ends) != 0) return -1;
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    termination_pipe = ends[1];
    struct sigaction action = {.sa_handler = report_termination, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGTERM, &action, NULL) != 0 || sigaction(SIGINT, &action, NULL) != 0) return -1;
    // Whoever started this process may have blocked them.
    sigset_t both;
    sigemptyset(&both);
    sigaddset(&both, SIGTERM);
    sigaddset(&both, SIGINT);
    pthread_sigmask(SIG_UNBLOCK, &both, NULL);
    return ends[0];
}

int platform_watch_directory(const char *path) {
#if defined(__linux__)
    int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (watch < 0) return -1;
    if (inotify_add_watch(watch, path, IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) < 0) {
        int code = errno;
        close(watch);
        errno = code;
        return -1;
    }
    return watch;
#else
    int directory = open(path, O_EVTONLY | O_CLOEXEC);
    if (directory < 0) return -1;
    int queue = kqueue();
    struct kevent change;
    EV_SET(&change, directory, EVFILT_VNODE, EV_ADD | EV_CLEAR, NOTE_WRITE, 0, NULL);
    if (queue < 0 || kevent(queue, &change, 1, NULL, 0, NULL) != 0) {
        int code = errno;
        close(directory);
        if (queue >= 0) close(queue);
        errno = code;
        return -1;
    }
    fcntl(queue, F_SETFD, FD_CLOEXEC);
    return queue;
#endif
}

void platform_drain_watch(int watch) {
#if defined(__linux__)
    char events[4096];
    while (read(watch, events, sizeof events) > 0) {
    }
#else
    struct kevent event;
    struct timespec now = {0, 0};
    while (kevent(watch, NULL, 0, &event, 1, &now) > 0) {
    }
#endif
}

struct work {
    void (*body)(void *);
    void *context;
};

static void *perform(void *argument) {
    struct work work = *(struct work *)argument;
    free(argument);
    work.body(work.context);
    return NULL;
}

int platform_start_thread(void (*body)(void *), void *context) {
    struct work *work = malloc(sizeof *work);
    if (work == NULL) return ENOMEM;
    *work = (struct work){body, context};
    pthread_t thread;
    int code = pthread_create(&thread, NULL, perform, work);
    if (code == 0)
        pthread_detach(thread);
    else
        free(work);
    return code;
}

int platform_lock(int descriptor) { return flock(descriptor, LOCK_EX | LOCK_NB); }

int platform_open(const char *path, int flags, mode_t mode) { return open(path, flags | O_CLOEXEC, mode); }

int platform_rename_new(const char *from, const char *to) {
#if defined(__linux__)
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 1 /* RENAME_NOREPLACE */);
#else
    return renamex_np(from, to, RENAME_EXCL);
#endif
}

long platform_raise_open_files(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return -1;
#if defined(__APPLE__)
    // What the kernel says is unlimited it refuses to give.
    if (limit.rlim_max > OPEN_MAX) limit.rlim_max = OPEN_MAX;
#endif
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return -1;
    return (long)limit.rlim_cur;
}

void platform_return_memory(void) {
#if defined(__GLIBC__)
    malloc_trim(0);
#endif
#if defined(__linux__)
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
#endif
}

int platform_duplicate(int descriptor, int lowest) { return fcntl(descriptor, F_DUPFD_CLOEXEC, lowest); }

int platform_spawn(pid_t *process, const char *path, char *const arguments[], char *const environment[],
                   const int *sources, int count, int new_session) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t all, none;
    int code = posix_spawn_file_actions_init(&actions);
    if (code != 0) return code;
    code = posix_spawnattr_init(&attributes);
    if (code != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return code;
    }
    for (int i = 0; i < count && code == 0; i++) code = posix_spawn_file_actions_adddup2(&actions, sources[i], i);
    // SIGKILL and SIGSTOP have no handling to reset, and glibc refuses a set that names its own two real-time signals.
    sigemptyset(&all);
    for (int signal = 1; signal < 32; signal++)
        if (signal != SIGKILL && signal != SIGSTOP) sigaddset(&all, signal);
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setsigmask(&attributes, &none);
    short flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
    if (new_session) flags |= POSIX_SPAWN_SETSID;
    posix_spawnattr_setflags(&attributes, flags);
    if (code == 0) code = posix_spawn(process, path, &actions, &attributes, arguments, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return code;
}

char **platform_environment(void) {
#if defined(__APPLE__)
    return *_NSGetEnviron();
#else
    extern char **environ;
    return environ;
#endif
}

void platform_now(long *seconds, long *nanoseconds) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    *seconds = now.tv_sec;
    *nanoseconds = now.tv_nsec;
}

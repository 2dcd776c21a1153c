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
#include <time.h>
#include <unistd.h>

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

void platform_now(long *seconds, long *nanoseconds) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    *seconds = now.tv_sec;
    *nanoseconds = now.tv_nsec;
}

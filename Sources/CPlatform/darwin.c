#if defined(__APPLE__)
#include "CPlatform.h"

#include <crt_externs.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/event.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syslimits.h>
#include <sys/ucred.h>
#include <unistd.h>

int platform_peer_user(int socket, uid_t *user) {
    gid_t group;
    return getpeereid(socket, user, &group);
}

int platform_process_descriptor(pid_t process) {
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
}

int platform_watch_directory(const char *path) {
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
}

void platform_drain_watch(int watch) {
    struct kevent event;
    struct timespec now = {0, 0};
    while (kevent(watch, NULL, 0, &event, 1, &now) > 0) {
    }
}

int platform_rename_new(const char *from, const char *to) {
    return renamex_np(from, to, RENAME_EXCL);
}

char **platform_environment(void) {
    return *_NSGetEnviron();
}

long platform_raise_open_files(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return -1;
    // What the kernel says is unlimited it refuses to give.
    if (limit.rlim_max > OPEN_MAX) limit.rlim_max = OPEN_MAX;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return -1;
    return (long)limit.rlim_cur;
}

void platform_return_memory(void) {}
#endif

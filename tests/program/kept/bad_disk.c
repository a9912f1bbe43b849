/* The file system calls of a program, for its files named chatd.db…, as a disk would do them that is
 * slow or broken. Loaded before the C library (ld.so(8), LD_PRELOAD).
 *
 * While $BAD_DISK/slow exists, each write takes as many milliseconds as stand in it, or until it is
 * gone. While $BAD_DISK/broken exists, each write fails with the number of an error that stands in it,
 * and so does each attempt to open a file for writing. While $BAD_DISK/small exists, the disk is full
 * when a file would have more bytes than stand in it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

/* The number in one of the two files; -1 if it is not there. */
static long read_number(const char *name) {
    const char *directory = getenv("BAD_DISK");
    char path[4096];
    long number = -1;
    if (directory == NULL) return -1;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "re");
    if (file == NULL) return -1;
    if (fscanf(file, "%ld", &number) != 1) number = -1;
    fclose(file);
    return number;
}

static int is_about(const char *path) {
    return strstr(path, "/chatd.db") != NULL;
}

/* Returns whether the write fails, and then errno says why. */
static int fails(int descriptor) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    if (!is_about(path)) return 0;
    for (long waited = 0; waited < read_number("slow"); waited += 5) usleep(5000);
    long error = read_number("broken");
    if (error > 0) errno = (int)error;
    return error > 0;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int descriptor, const void *bytes, size_t count) {
    return fails(descriptor) ? -1 : NEXT(write)(descriptor, bytes, count);
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t at) {
    if (fails(descriptor)) return -1;
    long size = read_number("small");
    if (size < 0 || at + (off64_t)count <= size)
        return NEXT(pwrite64)(descriptor, bytes, count, at);
    errno = ENOSPC;
    return -1;
}

int fsync(int descriptor) {
    return fails(descriptor) ? -1 : NEXT(fsync)(descriptor);
}

int fdatasync(int descriptor) {
    return fails(descriptor) ? -1 : NEXT(fdatasync)(descriptor);
}

int ftruncate64(int descriptor, off64_t length) {
    return fails(descriptor) ? -1 : NEXT(ftruncate64)(descriptor, length);
}

/* Whether a file cannot be opened so, and then errno says why. */
static int is_refused(const char *path, int flags) {
    if ((flags & O_ACCMODE) == O_RDONLY || !is_about(path)) return 0;
    long error = read_number("broken");
    if (error > 0) errno = (int)error;
    return error > 0;
}

#define OPEN(name)                                                      \
    int name(const char *path, int flags, ...) {                        \
        va_list arguments;                                              \
        va_start(arguments, flags);                                     \
        mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;  \
        va_end(arguments);                                              \
        return is_refused(path, flags) ? -1 : NEXT(name)(path, flags, mode); \
    }

OPEN(open)
OPEN(open64)

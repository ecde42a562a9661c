/*
 * A disk that can lose power and fail, for one process: preloaded (LD_PRELOAD), it stands between SQLite and the files below DISK_DIR.
 *
 * What was written but not synced lives only in memory. A sync that succeeds writes it into a second copy of the file below DISK_DURABLE, so that
 * at any moment DISK_DURABLE holds exactly what would survive a power cut. A sync that fails drops what it should have written, as Linux does.
 *
 * DISK_FAIL_SYNC=k   the k-th sync fails with EIO.          DISK_FAIL_WRITE=k   the k-th write fails with ENOSPC:
 * of those to the log, whatever else is written beside it.
 * DISK_LIE=1         a sync says it succeeded and keeps nothing: what a test of durability must notice.
 *
 * Shared memory (-shm) and everything below DISK_DIR/read can be made again and is left alone.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES = 64, DESCRIPTORS = 4096 };

struct change { struct change *next; off_t at; size_t length; char bytes[]; }; /* length 0: cut off at `at` */
struct file { char path[512]; int durable; struct change *first, **last; };

static struct file files[FILES];
static struct file *open_files[DESCRIPTORS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *directory, *durable_directory;
static long syncs_left, writes_left;
static int lies;

static int (*real_open)(const char *, int, ...);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_write)(int, const void *, size_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fdatasync)(int);
static int (*real_fsync)(int);
static int (*real_close)(int);
static int (*real_unlink)(const char *);
static int (*real_rename)(const char *, const char *);

__attribute__((constructor)) static void begin(void)
{
    real_open = dlsym(RTLD_NEXT, "open64");
    real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    real_write = dlsym(RTLD_NEXT, "write");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_close = dlsym(RTLD_NEXT, "close");
    real_unlink = dlsym(RTLD_NEXT, "unlink");
    real_rename = dlsym(RTLD_NEXT, "rename");
    directory = getenv("DISK_DIR");
    durable_directory = getenv("DISK_DURABLE");
    syncs_left = getenv("DISK_FAIL_SYNC") ? atol(getenv("DISK_FAIL_SYNC")) : 0;
    writes_left = getenv("DISK_FAIL_WRITE") ? atol(getenv("DISK_FAIL_WRITE")) : 0;
    lies = getenv("DISK_LIE") != NULL;
}

static const char *inside(const char *path)
{
    if (!directory || strncmp(path, directory, strlen(directory)) != 0) return NULL;
    const char *name = path + strlen(directory) + 1;
    size_t length = strlen(name);
    if (strchr(name, '/') || (length > 4 && strcmp(name + length - 4, "-shm") == 0)) return NULL;
    return strstr(name, ".db") ? name : NULL;
}

static struct file *file_of(const char *path, const char *name)
{
    struct file *free_one = NULL;
    for (int i = 0; i < FILES; i++) {
        if (strcmp(files[i].path, path) == 0) return &files[i];
        if (!free_one && !files[i].path[0]) free_one = &files[i];
    }
    if (!free_one) abort();
    char durable[1024];
    snprintf(durable, sizeof durable, "%s/%s", durable_directory, name);
    snprintf(free_one->path, sizeof free_one->path, "%s", path);
    free_one->durable = real_open(durable, O_RDWR | O_CREAT, 0644);
    free_one->first = NULL;
    free_one->last = &free_one->first;
    return free_one;
}

static void forget(struct file *file)
{
    while (file->first) {
        struct change *change = file->first;
        file->first = change->next;
        free(change);
    }
    file->last = &file->first;
}

static void remember(struct file *file, off_t at, const void *bytes, size_t length)
{
    struct change *change = malloc(sizeof *change + length);
    change->next = NULL;
    change->at = at;
    change->length = length;
    if (length) memcpy(change->bytes, bytes, length);
    *file->last = change;
    file->last = &change->next;
}

static int of_the_log(const struct file *file)
{
    return strncmp(file->path + strlen(directory) + 1, "log.db", 6) == 0;
}

static int sync_file(int fd, int (*real)(int))
{
    pthread_mutex_lock(&lock);
    struct file *file = fd >= 0 && fd < DESCRIPTORS ? open_files[fd] : NULL;
    int result = 0;
    if (file) {
        if (of_the_log(file) && syncs_left > 0 && --syncs_left == 0) {
            result = -1;
            errno = EIO;
        } else if (!lies) {
            for (struct change *change = file->first; change; change = change->next) {
                if (change->length == 0) real_ftruncate(file->durable, change->at);
                else real_pwrite(file->durable, change->bytes, change->length, change->at);
            }
        }
        forget(file);
    }
    pthread_mutex_unlock(&lock);
    return file ? result : real(fd);
}

int open64(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = va_arg(arguments, mode_t);
    va_end(arguments);
    int fd = real_open(path, flags, mode);
    const char *name = inside(path);
    if (fd >= 0 && fd < DESCRIPTORS) {
        pthread_mutex_lock(&lock);
        open_files[fd] = name ? file_of(path, name) : NULL;
        pthread_mutex_unlock(&lock);
    }
    return fd;
}

int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = va_arg(arguments, mode_t);
    va_end(arguments);
    return open64(path, flags, mode);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t at)
{
    pthread_mutex_lock(&lock);
    struct file *file = fd >= 0 && fd < DESCRIPTORS ? open_files[fd] : NULL;
    if (file && of_the_log(file) && writes_left > 0 && --writes_left == 0) {
        pthread_mutex_unlock(&lock);
        errno = ENOSPC;
        return -1;
    }
    ssize_t written = real_pwrite(fd, bytes, length, at);
    if (file && written > 0) remember(file, at, bytes, written);
    pthread_mutex_unlock(&lock);
    return written;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) { return pwrite64(fd, bytes, length, at); }

/* SQLite writes with pwrite; a plain write into one of its files would go unseen. */
ssize_t write(int fd, const void *bytes, size_t length)
{
    if (fd >= 0 && fd < DESCRIPTORS && open_files[fd]) abort();
    return real_write(fd, bytes, length);
}

int ftruncate64(int fd, off_t length)
{
    pthread_mutex_lock(&lock);
    struct file *file = fd >= 0 && fd < DESCRIPTORS ? open_files[fd] : NULL;
    int result = real_ftruncate(fd, length);
    if (file && result == 0) remember(file, length, NULL, 0);
    pthread_mutex_unlock(&lock);
    return result;
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }
int fdatasync(int fd) { return sync_file(fd, real_fdatasync); }
int fsync(int fd) { return sync_file(fd, real_fsync); }

int close(int fd)
{
    if (fd >= 0 && fd < DESCRIPTORS) open_files[fd] = NULL;
    return real_close(fd);
}

int unlink(const char *path)
{
    const char *name = inside(path);
    if (name) {
        pthread_mutex_lock(&lock);
        struct file *file = file_of(path, name);
        forget(file);
        real_ftruncate(file->durable, 0);
        real_close(file->durable);
        file->path[0] = 0;
        char durable[1024];
        snprintf(durable, sizeof durable, "%s/%s", durable_directory, name);
        real_unlink(durable);
        pthread_mutex_unlock(&lock);
    }
    return real_unlink(path);
}

/* A name is durable at once: the log relies on the directory being synced with the next file made in it. */
int rename(const char *from, const char *to)
{
    const char *name = inside(from), *new_name = inside(to);
    if (name && new_name) {
        pthread_mutex_lock(&lock);
        struct file *file = file_of(from, name);
        char durable[1024], new_durable[1024];
        snprintf(durable, sizeof durable, "%s/%s", durable_directory, name);
        snprintf(new_durable, sizeof new_durable, "%s/%s", durable_directory, new_name);
        real_rename(durable, new_durable);
        snprintf(file->path, sizeof file->path, "%s", to);
        pthread_mutex_unlock(&lock);
    }
    return real_rename(from, to);
}

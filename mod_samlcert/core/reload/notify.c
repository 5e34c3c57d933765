/* SPDX-License-Identifier: Apache-2.0 */
#include "core/reload/notify.h"

#include "samlcert_config.h"

#ifdef SAMLC_HAVE_INOTIFY

#include <poll.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/vfs.h>
#include <unistd.h>

/* All that can change what a stat or a look into the directory would see, and nothing else. */
#define CHANGES                                                                                    \
    (IN_ATTRIB | IN_CREATE | IN_DELETE | IN_DELETE_SELF | IN_MODIFY | IN_MOVE_SELF | IN_MOVED_FROM \
     | IN_MOVED_TO)
#define BUFFER (64 * 1024)

struct samlc_notify_t {
    int fd;
    apr_pool_t *pool;              /* of `watches` */
    apr_array_header_t *watches;   /* int, ascending */
};

static apr_status_t close_fd(void *data)
{
    close(((samlc_notify_t *)data)->fd);
    return APR_SUCCESS;
}

samlc_notify_t *samlc_notify_make(apr_pool_t *p)
{
    samlc_notify_t *notify = apr_pcalloc(p, sizeof(*notify));

    notify->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (notify->fd < 0) {
        return NULL;
    }
    apr_pool_create(&notify->pool, p);
    notify->watches = apr_array_make(notify->pool, 1, sizeof(int));
    apr_pool_cleanup_register(p, notify, close_fd, apr_pool_cleanup_null);
    return notify;
}

/* Only this kernel writes there, so that it knows of each change. */
static int is_local(const char *path)
{
    static const long TYPES[] = {
        0xef53,      /* ext2, ext3, ext4 */
        0x58465342,  /* xfs */
        0x9123683e,  /* btrfs */
        0x01021994,  /* tmpfs */
        0x858458f6,  /* ramfs */
        0x794c7630,  /* overlayfs: what is written through the mount, as in containers */
        0xf2f52010,  /* f2fs */
        0x2fc12fc1,  /* zfs */
    };
    struct statfs fs;
    apr_size_t i = 0;

    if (statfs(path, &fs) != 0) {
        return 0;
    }
    for (i = 0; i < sizeof(TYPES) / sizeof(TYPES[0]); i++) {
        if ((apr_uint32_t)fs.f_type == (apr_uint32_t)TYPES[i]) {
            return 1;
        }
    }
    return 0;
}

static int compare_ints(const void *a, const void *b)
{
    int x = *(const int *)a;
    int y = *(const int *)b;

    return x < y ? -1 : x > y;
}

/* Ends those watches that are not among `kept`. */
static void keep_only(samlc_notify_t *notify, apr_array_header_t *kept)
{
    int *watch = NULL;
    int i = 0;

    qsort(kept->elts, (size_t)kept->nelts, sizeof(int), compare_ints);
    for (i = 0; i < notify->watches->nelts; i++) {
        watch = &APR_ARRAY_IDX(notify->watches, i, int);
        if (!bsearch(watch, kept->elts, (size_t)kept->nelts, sizeof(int), compare_ints)) {
            inotify_rm_watch(notify->fd, *watch);    /* fails if its directory is gone: good */
        }
    }
    apr_pool_clear(notify->pool);
    notify->watches = apr_array_copy(notify->pool, kept);
}

/* Adds a watch for each directory. FALSE: for some only. */
static int add_watches(apr_array_header_t *added, samlc_notify_t *notify, const samlc_scan_t *scan)
{
    const samlc_seen_t *seen = NULL;
    apr_uint64_t device = 0;
    int has_device = 0;
    int watch = -1;
    int i = 0;

    for (i = 0; i < scan->seen->nelts; i++) {
        seen = &APR_ARRAY_IDX(scan->seen, i, samlc_seen_t);
        if (!seen->is_dir) {
            continue;
        }
        if (!has_device) {
            device = seen->device;
            has_device = 1;
        }
        watch = seen->device == device ? inotify_add_watch(notify->fd, seen->path,
                                                           CHANGES | IN_ONLYDIR)
                                       : -1;
        if (watch < 0) {
            return 0;
        }
        APR_ARRAY_PUSH(added, int) = watch;
    }
    return has_device;
}

int samlc_notify_watch(samlc_notify_t *notify, const samlc_scan_t *scan, apr_pool_t *ptemp)
{
    apr_array_header_t *added = apr_array_make(ptemp, 32, sizeof(int));
    int ok = scan->seen->nelts > 0 && is_local(APR_ARRAY_IDX(scan->seen, 0, samlc_seen_t).path)
          && add_watches(added, notify, scan);

    if (!ok) {
        /* To end what was just begun needs no look at what was there before: both go. */
        keep_only(notify, added);
        apr_array_clear(added);
    }
    keep_only(notify, added);
    return ok;
}

int samlc_notify_is_quiet(const samlc_notify_t *notify)
{
    struct pollfd fd = {notify->fd, POLLIN, 0};

    return poll(&fd, 1, 0) == 0;
}

void samlc_notify_drain(samlc_notify_t *notify)
{
    char events[BUFFER];

    while (read(notify->fd, events, sizeof(events)) > 0) {
        /* Which ones does not matter: any event leads to a look at everything. */
    }
}

#else

samlc_notify_t *samlc_notify_make(apr_pool_t *p)
{
    (void)p;
    return NULL;
}

int samlc_notify_watch(samlc_notify_t *notify, const samlc_scan_t *scan, apr_pool_t *ptemp)
{
    (void)notify;
    (void)scan;
    (void)ptemp;
    return 0;
}

int samlc_notify_is_quiet(const samlc_notify_t *notify)
{
    (void)notify;
    return 0;
}

void samlc_notify_drain(samlc_notify_t *notify)
{
    (void)notify;
}

#endif

apr_array_header_t *samlc_notify_exceptions(const samlc_scan_t *scan, apr_pool_t *p)
{
    apr_array_header_t *exceptions = apr_array_make(p, 4, sizeof(samlc_seen_t));
    const samlc_seen_t *seen = NULL;
    int i = 0;

    for (i = 0; i < scan->seen->nelts; i++) {
        seen = &APR_ARRAY_IDX(scan->seen, i, samlc_seen_t);
        if (seen->is_elsewhere) {
            APR_ARRAY_PUSH(exceptions, samlc_seen_t) = *seen;
        }
    }
    return exceptions;
}

/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * store/fault_disk.c - a layer over SQLite's own file system layer.
 *
 * A database and its log are each kept whole in memory (an image), shared by all connections of
 * the process as the kernel's cache would be; the file behind has what was synchronised.  Nothing
 * asks the real disk to synchronise: what a process wrote outlives SIGKILL.  Everything else (locks,
 * the shared index, temporary files) is passed on.
 */
#include "store/fault_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/list.h"
#include "base/mem.h"

#define BLOCK 4096
#define KEPT (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL)

struct image {
	struct list link;              /* disk.images */
	char *path;                    /* "" once it was deleted */
	unsigned files;                /* open ones */
	unsigned char *data, *changed; /* changed: a flag for each block */
	size_t size, room;
	size_t safe; /* the size of the file behind */
};

struct file {
	sqlite3_file base; /* SQLite's view; first */
	struct image *image;
	sqlite3_file *real; /* behind this struct */
};

/* One for the process, as there is one disk. */
static struct {
	sqlite3_vfs vfs, *real;
	pthread_mutex_t lock; /* of all images */
	struct list images;
	int trace;
	_Atomic uint64_t sync_ms;
	_Atomic bool full;
} disk = { .lock = PTHREAD_MUTEX_INITIALIZER, .trace = -1 };

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* --- Images; with the lock held ---------------------------------------------------------- */

static struct image *
image_find(const char *path)
{
	list_for_each(l, next, &disk.images)
	{
		struct image *i = list_entry(l, struct image, link);

		if (strcmp(i->path, path) == 0)
			return i;
	}
	return NULL;
}

/* The new part is zeroes, as in a file. */
static void
image_resize(struct image *i, size_t size)
{
	if (size > i->room) {
		size_t room = (size * 2 + BLOCK - 1) / BLOCK * BLOCK;

		i->data = mem_realloc(i->data, room);
		i->changed = mem_realloc(i->changed, room / BLOCK);
		memset(i->data + i->room, 0, room - i->room);
		memset(i->changed + i->room / BLOCK, 0, (room - i->room) / BLOCK);
		i->room = room;
	} else if (size < i->size) {
		/* The file behind still has this part; it may come back as zeroes. */
		memset(i->data + size, 0, i->size - size);
		memset(i->changed + size / BLOCK, 1, (i->size - 1) / BLOCK - size / BLOCK + 1);
	}
	i->size = size;
}

static void
image_write(struct image *i, const void *data, size_t len, size_t at)
{
	if (len == 0)
		return;
	if (at + len > i->size)
		image_resize(i, at + len);
	memcpy(i->data + at, data, len);
	memset(i->changed + at / BLOCK, 1, (at + len - 1) / BLOCK - at / BLOCK + 1);
}

/* Brings all that was changed into the file behind. */
static int
image_save(struct image *i, sqlite3_file *real, size_t *bytes)
{
	int code = SQLITE_OK;

	if (i->size < i->safe)
		code = real->pMethods->xTruncate(real, (sqlite3_int64)i->size);
	for (size_t at = 0; at < i->size && code == SQLITE_OK; at += BLOCK) {
		size_t len = i->size - at < BLOCK ? i->size - at : BLOCK;

		/* What the file has grown by need not have been written. */
		if (!i->changed[at / BLOCK] && at + len <= i->safe)
			continue;
		code = real->pMethods->xWrite(real, i->data + at, (int)len, (sqlite3_int64)at);
		i->changed[at / BLOCK] = code != SQLITE_OK;
		*bytes += len;
	}
	if (code == SQLITE_OK)
		i->safe = i->size;
	return code;
}

static int
image_load(struct image *i, sqlite3_file *real)
{
	sqlite3_int64 size;
	int code = real->pMethods->xFileSize(real, &size);

	if (code != SQLITE_OK || size == 0)
		return code;
	image_resize(i, (size_t)size);
	i->safe = i->size;
	return real->pMethods->xRead(real, i->data, (int)size, 0);
}

static void
image_free(struct image *i)
{
	list_remove(&i->link);
	mem_free(i->path);
	mem_free(i->data);
	mem_free(i->changed);
	mem_free(i);
}

/* --- Files --------------------------------------------------------------------------------- */

static struct image *
image_of(sqlite3_file *f)
{
	return ((struct file *)f)->image;
}

static sqlite3_file *
real_of(sqlite3_file *f)
{
	return ((struct file *)f)->real;
}

/* Who closes a file has not lost it: the kernel would write it some day. */
static int
file_close(sqlite3_file *f)
{
	struct image *i = image_of(f);
	size_t bytes = 0;
	int code = SQLITE_OK;

	pthread_mutex_lock(&disk.lock);
	if (--i->files == 0) {
		if (*i->path)
			code = image_save(i, real_of(f), &bytes);
		image_free(i);
	}
	pthread_mutex_unlock(&disk.lock);
	real_of(f)->pMethods->xClose(real_of(f));
	return code;
}

static int
file_read(sqlite3_file *f, void *data, int amount, sqlite3_int64 from)
{
	struct image *i = image_of(f);
	size_t len = (size_t)amount, at = (size_t)from, there;

	pthread_mutex_lock(&disk.lock);
	there = at >= i->size ? 0 : i->size - at < len ? i->size - at : len;
	if (there > 0)
		memcpy(data, i->data + at, there);
	pthread_mutex_unlock(&disk.lock);
	memset((char *)data + there, 0, len - there);
	return there == len ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int
file_write(sqlite3_file *f, const void *data, int amount, sqlite3_int64 from)
{
	struct image *i = image_of(f);
	size_t end = (size_t)from + (size_t)amount;
	bool full;

	pthread_mutex_lock(&disk.lock);
	full = end > i->size && end > i->safe && atomic_load(&disk.full);
	if (!full)
		image_write(i, data, (size_t)amount, (size_t)from);
	pthread_mutex_unlock(&disk.lock);
	return full ? SQLITE_FULL : SQLITE_OK;
}

static int
file_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	pthread_mutex_lock(&disk.lock);
	image_resize(image_of(f), (size_t)size);
	pthread_mutex_unlock(&disk.lock);
	return SQLITE_OK;
}

static int
file_sync(sqlite3_file *f, int flags)
{
	struct image *i = image_of(f);
	uint64_t ms = atomic_load(&disk.sync_ms);
	int64_t begin = now_ns();
	size_t bytes = 0;
	const char *name;
	char line[160];
	int code, len;

	if (ms > 0)
		usleep((useconds_t)(ms * 1000));
	pthread_mutex_lock(&disk.lock);
	code = image_save(i, real_of(f), &bytes);
	name = strrchr(i->path, '/');
	len = snprintf(line, sizeof(line), "sync %.80s %lld %lld %zu\n", name ? name + 1 : "-",
	               (long long)begin, (long long)now_ns(), bytes);
	/* One write at the end of the file: it is there also when the process dies now. */
	if (code == SQLITE_OK && write(disk.trace, line, (size_t)len) != len)
		code = SQLITE_IOERR_FSYNC;
	pthread_mutex_unlock(&disk.lock);
	return code;
}

static int
file_size(sqlite3_file *f, sqlite3_int64 *size)
{
	pthread_mutex_lock(&disk.lock);
	*size = (sqlite3_int64)image_of(f)->size;
	pthread_mutex_unlock(&disk.lock);
	return SQLITE_OK;
}

/* --- Passed on ----------------------------------------------------------------------------- */

static int
file_lock(sqlite3_file *f, int how)
{
	return real_of(f)->pMethods->xLock(real_of(f), how);
}

static int
file_unlock(sqlite3_file *f, int how)
{
	return real_of(f)->pMethods->xUnlock(real_of(f), how);
}

static int
file_check_lock(sqlite3_file *f, int *reserved)
{
	return real_of(f)->pMethods->xCheckReservedLock(real_of(f), reserved);
}

static int
file_control(sqlite3_file *f, int op, void *arg)
{
	return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}

static int
file_sector(sqlite3_file *f)
{
	return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int
file_traits(sqlite3_file *f)
{
	return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static int
file_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
	return real_of(f)->pMethods->xShmMap(real_of(f), page, size, extend, out);
}

static int
file_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	return real_of(f)->pMethods->xShmLock(real_of(f), offset, n, flags);
}

static void
file_shm_barrier(sqlite3_file *f)
{
	real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int
file_shm_unmap(sqlite3_file *f, int remove)
{
	return real_of(f)->pMethods->xShmUnmap(real_of(f), remove);
}

static const sqlite3_io_methods methods = {
	.iVersion = 2, /* without memory mapping of the file itself */
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_unlock,
	.xCheckReservedLock = file_check_lock,
	.xFileControl = file_control,
	.xSectorSize = file_sector,
	.xDeviceCharacteristics = file_traits,
	.xShmMap = file_shm_map,
	.xShmLock = file_shm_lock,
	.xShmBarrier = file_shm_barrier,
	.xShmUnmap = file_shm_unmap,
};

/* --- The disk ------------------------------------------------------------------------------ */

static int
disk_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *out, int flags, int *flags_out)
{
	struct file *f = (struct file *)out;
	struct image *i;
	int code;

	if (!path || !(flags & KEPT))
		return disk.real->xOpen(disk.real, path, out, flags, flags_out);
	f->base.pMethods = NULL;
	f->real = (sqlite3_file *)(f + 1);
	code = disk.real->xOpen(disk.real, path, f->real, flags, flags_out);
	if (code != SQLITE_OK)
		return code;
	pthread_mutex_lock(&disk.lock);
	i = image_find(path);
	if (!i) {
		i = mem_new(struct image);
		i->path = mem_strdup(path);
		list_push_back(&disk.images, &i->link);
		code = image_load(i, f->real);
	}
	if (code == SQLITE_OK) {
		i->files++;
		f->image = i;
		f->base.pMethods = &methods;
	} else {
		image_free(i);
	}
	pthread_mutex_unlock(&disk.lock);
	if (code != SQLITE_OK)
		f->real->pMethods->xClose(f->real);
	return code;
}

static int
disk_delete(sqlite3_vfs *vfs, const char *path, int sync_directory)
{
	struct image *i;

	pthread_mutex_lock(&disk.lock);
	i = image_find(path);
	if (i)
		*i->path = '\0';
	pthread_mutex_unlock(&disk.lock);
	return disk.real->xDelete(disk.real, path, sync_directory);
}

/* An empty file does not count there; it may be empty only because nothing was synchronised. */
static int
disk_access(sqlite3_vfs *vfs, const char *path, int flags, int *yes)
{
	int code = disk.real->xAccess(disk.real, path, flags, yes);
	struct image *i;

	pthread_mutex_lock(&disk.lock);
	i = image_find(path);
	if (code == SQLITE_OK && flags == SQLITE_ACCESS_EXISTS && i)
		*yes = i->size > 0;
	pthread_mutex_unlock(&disk.lock);
	return code;
}

bool
fault_disk_install(const char *trace, struct hm_error *why)
{
	if (disk.trace >= 0)
		close(disk.trace);
	disk.trace = open(trace, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (disk.trace < 0)
		return error_errno(why, "Cannot open %s", trace);
	if (disk.real)
		return true;
	list_init(&disk.images);
	disk.real = sqlite3_vfs_find(NULL);
	disk.vfs = *disk.real; /* what is not replaced finds its own state there */
	disk.vfs.pNext = NULL;
	disk.vfs.zName = "hermod-fault-disk";
	disk.vfs.szOsFile = (int)sizeof(struct file) + disk.real->szOsFile;
	disk.vfs.xOpen = disk_open;
	disk.vfs.xDelete = disk_delete;
	disk.vfs.xAccess = disk_access;
	if (sqlite3_vfs_register(&disk.vfs, 1) == SQLITE_OK)
		return true;
	return error_set(why, HM_E_DATABASE, "The disk for tests cannot be installed.");
}

void
fault_disk_set_sync_ms(uint64_t ms)
{
	atomic_store(&disk.sync_ms, ms);
}

void
fault_disk_set_full(bool full)
{
	atomic_store(&disk.full, full);
}

// SPDX-License-Identifier: Apache-2.0
#include "internal.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/// A copy of the environment for the workers of a pool, and its working directory.
///
/// Other threads may change the environment meanwhile, and no lock keeps them off: glibc's is its own. glibc never frees
/// the text that setenv made, but it moves the list of variables and frees the old one, and unsetenv moves variables
/// within the list. So the kernel reads the memory (a write of memory that is gone fails, where a load would end the
/// process), and a reading counts if the list was not replaced meanwhile and lacks no variable of the reading before.

extern char **environ;

/// No page is smaller: memory up to the next multiple is there as a whole, or not at all.
enum { PAGE = 4096, POINTERS = PAGE / sizeof(char *) };

/// A longer text is refused by execve (MAX_ARG_STRLEN), and so is a list of so many.
enum { LONGEST = 32 * PAGE, MOST = 1 << 20 };

/// After so many readings that differ the copy is refused. A thread that was stopped amid its setenv needs milliseconds.
enum { READINGS = 20000 };

/// From this reading on, text counts that does not look like a variable: it was there each time.
enum { PATIENCE = 1000 };

/// Memory that grows.
struct buffer {
    char *_Nullable bytes;
    size_t used, room;
};

/// The variables at one time: where each lies, and their text, one behind the other.
struct reading {
    struct buffer pointers, text;
    size_t count;
};

/// Adds to a buffer; returns 0 or -ENOMEM.
static int32_t append(struct buffer *buffer, const void *bytes, size_t size)
{
    if (buffer->room - buffer->used < size) {
        size_t room = 2 * buffer->room + size + PAGE;
        char *grown = CALL_OR(malloc, NULL, realloc(buffer->bytes, room));
        if (grown == NULL)
            return -ENOMEM;
        buffer->bytes = grown;
        buffer->room = room;
    }
    memcpy(buffer->bytes + buffer->used, bytes, size);
    buffer->used += size;
    return 0;
}

/// Copies memory of one page by way of a file; returns 0, -EFAULT if it is gone, or another negative errno of `*call`.
static int32_t copy(int file, const void *from, void *to, size_t size, const char **call)
{
    ssize_t length;
    *call = "pwrite";
    while ((length = CALL(pwrite, pwrite(file, from, size, 0))) < 0 && errno == EINTR)
        ;
    if (length >= 0) {
        *call = "pread";
        while ((length = CALL(pread, pread(file, to, size, 0))) < 0 && errno == EINTR)
            ;
    }
    return length < 0 ? -errno : length == (ssize_t)size ? 0 : -EFAULT;
}

/// The bytes from an address to the end of its page.
static size_t rest_of_page(const void *address)
{
    return PAGE - (uintptr_t)address % PAGE;
}

/// Reads the list; returns 0, -EAGAIN if it was replaced meanwhile, or a negative errno of `*call`.
static int32_t read_pointers(int file, struct reading *reading, const char **call)
{
    char *page[POINTERS];
    char **list = __atomic_load_n(&environ, __ATOMIC_ACQUIRE);
    if ((uintptr_t)list % sizeof *list != 0)
        return -EFAULT;
    for (char **next = list; next != NULL;) {
        size_t size = rest_of_page(next);
        int32_t error = copy(file, next, page, size, call);
        if (error != 0)
            return error;
        size_t count = 0;
        while (count < size / sizeof *page && page[count] != NULL)
            count += 1;
        if (append(&reading->pointers, page, count * sizeof *page) != 0) {
            *call = "malloc";
            return -ENOMEM;
        }
        reading->count += count;
        if (reading->count > MOST)
            return -EFAULT;
        next = count < size / sizeof *page ? NULL : next + count;
    }
    return __atomic_load_n(&environ, __ATOMIC_ACQUIRE) == list ? 0 : -EAGAIN;
}

/// Reads the text at an address; returns as `read_pointers` does.
static int32_t read_text(int file, const char *address, struct buffer *text, const char **call)
{
    char page[PAGE];
    size_t begin = text->used;
    for (const char *end = NULL; end == NULL;) {
        size_t size = rest_of_page(address);
        int32_t error = copy(file, address, page, size, call);
        if (error != 0)
            return error;
        end = memchr(page, 0, size);
        if (append(text, page, end == NULL ? size : (size_t)(end + 1 - page)) != 0) {
            *call = "malloc";
            return -ENOMEM;
        }
        address += size;
        if (text->used - begin > LONGEST)
            return -EFAULT;
    }
    return 0;
}

/// Whether text is a variable, as far as its name shows. What a freed list points to is not.
static bool is_variable(const char *text)
{
    const char *next = text;
    while (*next > ' ' && *next <= '~' && *next != '=')
        next += 1;
    return *next == '=' && next != text;
}

/// Reads everything; returns as `read_pointers` does.
static int32_t read_all(int file, struct reading *reading, bool trusts, const char **call)
{
    reading->pointers.used = reading->text.used = reading->count = 0;
    int32_t error = read_pointers(file, reading, call);
    for (size_t i = 0; error == 0 && i < reading->count; i++) {
        size_t begin = reading->text.used;
        error = read_text(file, ((char **)reading->pointers.bytes)[i], &reading->text, call);
        if (error == 0 && !trusts && !is_variable(reading->text.bytes + begin))
            error = -EAGAIN;
    }
    return error;
}

/// Whether two texts begin with the same name.
static bool is_same_name(const char *one, const char *other)
{
    while (*one == *other && *one != '=' && *one != 0)
        one += 1, other += 1;
    return *one == *other;
}

/// Whether each variable of the reading before is in this one. They are mostly in the same place.
static bool lacks_none(const struct reading *now, const struct reading *before)
{
    const char *wanted = before->text.bytes, *other = now->text.bytes;
    for (size_t i = 0; i < before->count; i++, wanted += strlen(wanted) + 1) {
        const char *end = now->text.bytes + now->text.used;
        if (other == end || !is_same_name(wanted, other)) {
            other = now->text.bytes;
            while (other != end && !is_same_name(wanted, other))
                other += strlen(other) + 1;
            if (other == end)
                return false;
        }
        other += strlen(other) + 1;
    }
    return true;
}

/// Keeps where the working directory is. One that was removed, or lies outside of the root, has no path.
static void keep_folder(struct cforkpool_environment *made)
{
    struct stat folder;
    bool is_known = CALL(getcwd, syscall(SYS_getcwd, made->folder, sizeof made->folder)) > 0 && made->folder[0] == '/'
        && CALL(stat, stat(".", &folder)) == 0;
    if (is_known) {
        made->folder_device = folder.st_dev;
        made->folder_file = folder.st_ino;
    } else {
        made->folder[0] = 0;
    }
    made->file_mask = -1;
}

void cforkpool_enter(struct cforkpool_environment *environment)
{
    // The calling child has this very memory until execve. Only a process of its own can ask for the mask: it has to set it.
    if (environment->file_mask < 0)
        environment->file_mask = (int)umask(0);
    umask((mode_t)environment->file_mask);
    // The path may lead to another directory by now, and nowhere below another root.
    struct stat folder;
    if (environment->folder[0] != 0 && CALL(stat, stat(environment->folder, &folder)) == 0
        && folder.st_dev == environment->folder_device && folder.st_ino == environment->folder_file)
        CALL(chdir, chdir(environment->folder));
}

/// Makes the copy of a reading; NULL if there is no memory.
static struct cforkpool_environment *make(const struct reading *reading)
{
    size_t pointers = (reading->count + 2) * sizeof(char *);
    struct cforkpool_environment *made = CALL_OR(malloc, NULL, malloc(sizeof *made + pointers + reading->text.used));
    if (made == NULL)
        return NULL;
    char *text = (char *)made->variables + pointers;
    if (reading->text.used > 0)
        memcpy(text, reading->text.bytes, reading->text.used);
    size_t used = 0;
    made->variables[used++] = made->worker;
    for (size_t i = 0; i < reading->count; i++, text += strlen(text) + 1) {
        if (!is_same_name(text, CFORKPOOL_VARIABLE "="))
            made->variables[used++] = text;
    }
    made->variables[used] = NULL;
    keep_folder(made);
    return made;
}

struct cforkpool_environment *cforkpool_environment_copy(const char **call, int32_t *error)
{
    *call = "memfd_create";
    int file = cforkpool_memfd(PAGE);
    *error = file < 0 ? file : 0;
    if (file < 0)
        return NULL;
    struct reading readings[2] = {0};
    bool has_before = false;
    struct cforkpool_environment *made = NULL;
    for (int number = 0; made == NULL && *error == 0; number++) {
        struct reading *now = &readings[number % 2], *before = &readings[(number + 1) % 2];
        int32_t refusal = read_all(file, now, number >= PATIENCE, call);
        bool is_read = refusal == 0;
        if (is_read && has_before && lacks_none(now, before)) {
            *call = "malloc";
            made = make(now);
            *error = made == NULL ? -ENOMEM : 0;
        } else if (!is_read && refusal != -EAGAIN && refusal != -EFAULT) {
            *error = refusal;
        } else if (number == READINGS) {
            *call = "environ";
            *error = -EAGAIN;
        } else if (!is_read) {
            sched_yield();
        }
        has_before = is_read;
    }
    for (int i = 0; i < 2; i++) {
        free(readings[i].pointers.bytes);
        free(readings[i].text.bytes);
    }
    close(file);
    return made;
}

void cforkpool_environment_free(struct cforkpool_environment *environment)
{
    free(environment);
}

// SPDX-License-Identifier: Apache-2.0
#include "CForkFloor.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

// Results of variable size: forked children make them and write them to shared memory behind their lengths, and the parent
// copies each into memory of its own. The forks are about 1 % of it, so warm rows use it too.

enum { WORKERS = 2, CHUNK = 100, TEXT = 105, ENTRIES = 100, SLOTS = 256, TAGS = 3, VALUES = 3 };

struct region {
    _Alignas(128) _Atomic(int64_t) cursor;
    _Alignas(128) int64_t offsets[];
};

static struct region *region;
static char *arenas;
static const size_t arena_size = (size_t)1 << 28;
enum { MOST_ITEMS = 200000 };

struct text {
    size_t length;
    char *bytes;
};

/// A struct of eight fields, as the row's.
struct record {
    int64_t id;
    struct text name;
    double score;
    struct text tags[TAGS];
    int64_t rank;
    struct text note;
    double values[VALUES];
    char has_rank, has_note, is_active;
};

/// A table of texts and numbers, with open addressing.
struct table {
    struct text keys[SLOTS];
    int64_t values[SLOTS];
};

static char *put_text(char *at, const char *text, size_t length)
{
    memcpy(at, &length, sizeof length);
    memcpy(at + sizeof length, text, length);
    return at + sizeof length + length;
}

static const char *take_text(const char *at, struct text *text)
{
    memcpy(&text->length, at, sizeof text->length);
    text->bytes = malloc(text->length + 1);
    memcpy(text->bytes, at + sizeof text->length, text->length);
    text->bytes[text->length] = 0;
    return at + sizeof text->length + text->length;
}

static char *make_string(char *at, int64_t item)
{
    char text[TEXT + 1];
    int digits = snprintf(text, sizeof text, "%ld", (long)item);
    memset(text + digits, 'x', (size_t)(TEXT - digits));
    return put_text(at, text, TEXT);
}

static char *make_table(char *at, int64_t item)
{
    char key[32];
    for (int64_t entry = 0; entry < ENTRIES; entry++) {
        int length = snprintf(key, sizeof key, "key %ld", (long)entry);
        int64_t value = item + entry;
        at = put_text(at, key, (size_t)length);
        memcpy(at, &value, sizeof value);
        at += sizeof value;
    }
    return at;
}

static char *make_record(char *at, int64_t item)
{
    char text[64];
    struct record record = {.id = item, .score = (double)item / 7, .rank = item, .has_rank = item % 3 != 0,
                            .has_note = item % 4 != 0, .is_active = item % 2 == 0, .values = {1, 2, (double)item}};
    memcpy(at, &record, sizeof record);
    at = put_text(at + sizeof record, text, (size_t)snprintf(text, sizeof text, "customer number %ld", (long)item));
    at = put_text(at, "red", 3);
    at = put_text(at, "green", 5);
    at = put_text(at, text, (size_t)snprintf(text, sizeof text, "tag %ld", (long)(item % 10)));
    return record.has_note ? put_text(at, "called twice", 12) : at;
}

static void take_table(const char *at, struct table *table)
{
    memset(table, 0, sizeof *table);
    for (int entry = 0; entry < ENTRIES; entry++) {
        struct text key;
        at = take_text(at, &key);
        uint64_t hash = 14695981039346656037u;
        for (size_t i = 0; i < key.length; i++)
            hash = (hash ^ (unsigned char)key.bytes[i]) * 1099511628211u;
        size_t slot = hash % SLOTS;
        while (table->keys[slot].bytes != NULL)
            slot = (slot + 1) % SLOTS;
        table->keys[slot] = key;
        memcpy(&table->values[slot], at, sizeof table->values[slot]);
        at += sizeof table->values[slot];
    }
}

static void take_record(const char *at, struct record *record)
{
    memcpy(record, at, sizeof *record);
    at = take_text(at + sizeof *record, &record->name);
    for (int tag = 0; tag < TAGS; tag++)
        at = take_text(at, &record->tags[tag]);
    if (record->has_note)
        take_text(at, &record->note);
}

static void work(int worker, enum cforkfloor_value kind, int64_t items)
{
    char *at = arenas + (size_t)worker * arena_size;
    int64_t start;
    while ((start = atomic_fetch_add(&region->cursor, CHUNK)) < items) {
        int64_t end = start + CHUNK < items ? start + CHUNK : items;
        for (int64_t item = start; item < end; item++) {
            region->offsets[item] = at - arenas;
            at = kind == CFORKFLOOR_STRING ? make_string(at, item)
                : kind == CFORKFLOOR_TABLE ? make_table(at, item)
                                           : make_record(at, item);
        }
    }
}

/// Copies the results; returns what the caller then frees, which no measurement of the library's includes either.
static void *take(enum cforkfloor_value kind, int64_t items)
{
    size_t size = kind == CFORKFLOOR_STRING ? sizeof(struct text)
        : kind == CFORKFLOOR_TABLE          ? sizeof(struct table)
                                            : sizeof(struct record);
    char *all = malloc((size_t)items * size);
    for (int64_t item = 0; item < items; item++) {
        const char *at = arenas + region->offsets[item];
        void *value = all + (size_t)item * size;
        if (kind == CFORKFLOOR_STRING)
            take_text(at, value);
        else if (kind == CFORKFLOOR_TABLE)
            take_table(at, value);
        else
            take_record(at, value);
    }
    return all;
}

static void drop(enum cforkfloor_value kind, int64_t items, void *all)
{
    for (int64_t item = 0; item < items; item++) {
        if (kind == CFORKFLOOR_STRING) {
            free(((struct text *)all)[item].bytes);
        } else if (kind == CFORKFLOOR_TABLE) {
            for (int slot = 0; slot < SLOTS; slot++)
                free(((struct table *)all)[item].keys[slot].bytes);
        } else {
            struct record *record = (struct record *)all + item;
            free(record->name.bytes);
            for (int tag = 0; tag < TAGS; tag++)
                free(record->tags[tag].bytes);
            if (record->has_note)
                free(record->note.bytes);
        }
    }
    free(all);
}

void cforkfloor_coded(enum cforkfloor_value kind, int64_t items)
{
    if (region == NULL) {
        size_t size = sizeof *region + MOST_ITEMS * sizeof region->offsets[0];
        void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        void *rest = mmap(
            NULL, WORKERS * arena_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (base == MAP_FAILED || rest == MAP_FAILED || items > MOST_ITEMS)
            abort();
        region = base;
        arenas = rest;
    }
    atomic_store(&region->cursor, 0);
    pid_t pids[WORKERS];
    for (int worker = 0; worker < WORKERS; worker++) {
        pids[worker] = fork();
        if (pids[worker] == 0) {
            work(worker, kind, items);
            _exit(0);
        }
    }
    for (int worker = 0; worker < WORKERS; worker++)
        waitpid(pids[worker], NULL, 0);
    drop(kind, items, take(kind, items));
}

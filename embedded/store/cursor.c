#include "cursor.h"

#include <sf/time.h>

#include <pthread.h>
#include <stdlib.h>

#define ROWS_BYTES_MAX ((size_t)1 << 30)
#define TEXT_MAX       ((size_t)64 << 10)

struct cursors {
    pthread_mutex_t lock;
    struct cursor *first;
    uint64_t last_id;
};

struct cursors *cursors_create(void)
{
    struct cursors *all = calloc(1, sizeof(*all));

    if (all)
        (void)pthread_mutex_init(&all->lock, NULL);
    return all;
}

void cursors_destroy(struct cursors *all)
{
    if (!all)
        return;
    while (all->first) {
        struct cursor *cur = all->first;

        all->first = cur->next;
        cursor_free(cur);
    }
    (void)pthread_mutex_destroy(&all->lock);
    free(all);
}

struct cursor *cursor_new(struct budget_total *total)
{
    struct cursor *cur = calloc(1, sizeof(*cur));

    if (!cur)
        return NULL;
    cur->memory.total = total;
    sf_buf_init(&cur->rows, ROWS_BYTES_MAX);
    sf_buf_init(&cur->owner, TEXT_MAX);
    sf_buf_init(&cur->database, TEXT_MAX);
    sf_buf_init(&cur->extra, TEXT_MAX);
    return cur;
}

void cursor_free(struct cursor *cur)
{
    if (!cur)
        return;
    sf_buf_release(&cur->rows);
    sf_buf_release(&cur->owner);
    sf_buf_release(&cur->database);
    sf_buf_release(&cur->extra);
    free(cur->ends);
    budget_give(&cur->memory, cur->memory.used_bytes);
    free(cur);
}

bool cursor_add_row(struct cursor *cur, struct sf_str text, struct fault *f)
{
    size_t before = cur->rows.cap;

    if (cur->n == cur->cap) {
        size_t cap = cur->cap > 0 ? cur->cap * 2 : 64;
        size_t *grown;

        if (!budget_take(&cur->memory, (cap - cur->cap) * sizeof(*grown)))
            return budget_fault(&cur->memory, f);
        grown = realloc(cur->ends, cap * sizeof(*grown));
        if (!grown)
            return fault_set(f, FAULT_OUT_OF_MEMORY, NULL);
        cur->ends = grown;
        cur->cap = cap;
    }
    sf_buf_add_str(&cur->rows, text);
    cur->ends[cur->n++] = cur->rows.len;
    if (cur->rows.status != SF_OK || !budget_take(&cur->memory, cur->rows.cap - before))
        return budget_fault(&cur->memory, f);
    return true;
}

/* ------------------------------------------------------------------------- batches */

/* From row cur->begun on; cur->at moves behind the batch. */
static void add_batch(struct cursor *cur, struct sf_buf *out)
{
    bool has_more, is_kept;

    cur->at = cur->begun;
    sf_buf_add_lit(out, "\"result\":[");
    for (size_t n = 0; n < cur->batch_size && cur->at < cur->n; n++, cur->at++) {
        size_t begin = cur->at > 0 ? cur->ends[cur->at - 1] : 0;

        if (n > 0)
            sf_buf_add_char(out, ',');
        sf_buf_add(out, cur->rows.p + begin, cur->ends[cur->at] - begin);
    }
    has_more = cur->at < cur->n;
    is_kept = has_more || cur->may_retry;
    sf_buf_addf(out, "],\"hasMore\":%s", has_more ? "true" : "false");
    if (is_kept)
        sf_buf_addf(out, ",\"id\":\"%llu\"", (unsigned long long)cur->id);
    if (has_more && cur->may_retry)
        sf_buf_addf(out, ",\"nextBatchId\":\"%llu\"", (unsigned long long)cur->batch + 1);
    if (cur->has_count)
        sf_buf_addf(out, ",\"count\":%zu", cur->n);
    sf_buf_add_lit(out, ",\"cached\":false,\"extra\":");
    sf_buf_add_str(out, sf_buf_str(&cur->extra));
}

static bool is_done(const struct cursor *cur)
{
    return cur->at >= cur->n && !cur->may_retry;
}

/* Those that nobody asked for any more. Under the lock. */
static void expire(struct cursors *all)
{
    struct cursor **at = &all->first;
    int64_t now_us = sf_mono_us();

    while (*at) {
        struct cursor *cur = *at;

        if (cur->is_busy || cur->until_us > now_us) {
            at = &cur->next;
            continue;
        }
        *at = cur->next;
        cursor_free(cur);
    }
}

void cursors_expire(struct cursors *all)
{
    (void)pthread_mutex_lock(&all->lock);
    expire(all);
    (void)pthread_mutex_unlock(&all->lock);
}

static void put_back(struct cursor *cur)
{
    cur->is_busy = false;
    cur->until_us = sf_mono_us() + cur->ttl_ms * 1000;
}

void cursors_begin(struct cursors *all, struct cursor *cur, struct sf_buf *out)
{
    (void)pthread_mutex_lock(&all->lock);
    expire(all);
    cur->id = ++all->last_id;
    (void)pthread_mutex_unlock(&all->lock);
    cur->batch = 1;
    cur->begun = 0;
    add_batch(cur, out);
    if (is_done(cur)) {
        cursor_free(cur);
        return;
    }
    (void)pthread_mutex_lock(&all->lock);
    put_back(cur);
    cur->next = all->first;
    all->first = cur;
    (void)pthread_mutex_unlock(&all->lock);
}

/* Where the pointer to the cursor stands; NULL: none of this caller's. Under the lock. */
static struct cursor **find(struct cursors *all, const struct cursor_ref *ref)
{
    struct cursor **at = &all->first;
    int64_t id;

    if (sf_str_to_i64(ref->id, &id) != SF_OK)
        return NULL;
    while (*at && (*at)->id != (uint64_t)id)
        at = &(*at)->next;
    if (!*at || !sf_str_eq(sf_buf_str(&(*at)->owner), ref->owner) ||
        !sf_str_eq(sf_buf_str(&(*at)->database), ref->database))
        return NULL;
    return at;
}

/* Which batch is meant: the next one, or the last one again. */
static bool turn_to(struct cursor *cur, struct sf_str batch, struct fault *f)
{
    int64_t wanted = (int64_t)cur->batch + 1;

    if (batch.len > 0 && sf_str_to_i64(batch, &wanted) != SF_OK)
        wanted = -1;
    if (cur->may_retry && wanted == (int64_t)cur->batch)
        return true;
    if (wanted != (int64_t)cur->batch + 1 || cur->at >= cur->n)
        return fault_set(f, FAULT_NO_CURSOR, "batch id not found");
    cur->batch++;
    cur->begun = cur->at;
    return true;
}

bool cursors_next(struct cursors *all, const struct cursor_ref *ref, struct sf_buf *out,
                  struct fault *f)
{
    struct cursor **at, *cur = NULL;
    bool is_good = false;

    (void)pthread_mutex_lock(&all->lock);
    expire(all);
    at = find(all, ref);
    if (!at)
        (void)fault_set(f, FAULT_NO_CURSOR, NULL);
    else if ((*at)->is_busy)
        (void)fault_set(f, FAULT_CURSOR_BUSY, NULL);
    else
        cur = *at;
    if (cur)
        cur->is_busy = true;
    (void)pthread_mutex_unlock(&all->lock);
    if (!cur)
        return false;
    is_good = turn_to(cur, ref->batch, f);
    if (is_good)
        add_batch(cur, out);
    (void)pthread_mutex_lock(&all->lock);
    put_back(cur);
    at = is_good && is_done(cur) ? find(all, ref) : NULL;
    if (at)
        *at = cur->next;
    (void)pthread_mutex_unlock(&all->lock);
    if (at)
        cursor_free(cur);
    return is_good;
}

bool cursors_drop(struct cursors *all, const struct cursor_ref *ref, struct fault *f)
{
    struct cursor **at, *cur = NULL;

    (void)pthread_mutex_lock(&all->lock);
    expire(all);
    at = find(all, ref);
    if (!at) {
        (void)fault_set(f, FAULT_NO_CURSOR, NULL);
    } else if ((*at)->is_busy) {
        (void)fault_set(f, FAULT_CURSOR_BUSY, NULL);
    } else {
        cur = *at;
        *at = cur->next;
    }
    (void)pthread_mutex_unlock(&all->lock);
    cursor_free(cur);
    return cur != NULL;
}

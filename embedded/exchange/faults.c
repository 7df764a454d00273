#include "faults.h"

#include <sf/scan.h>

#include <stddef.h>
#include <string.h>

#define MILLION 1000000

/* clang-format off */
static const struct {
    const char *name;
    bool is_answer, is_shape, is_row;
    struct fault defaults;
} kinds[FAULT_KINDS_N] = {
    [FAULT_429]        = { "429",   true,  false, false, { .retry_after_s = 1 } },
    [FAULT_418]        = { "418",   true,  false, false, { .retry_after_s = 2 } },
    [FAULT_5XX]        = { "5xx",   true,  false, false, { .status = 503 } },
    [FAULT_HTML]       = { "html",  true,  false, false, { .status = 200 } },
    [FAULT_CUT]        = { "cut",   false, true,  false, { .after = 0 } },
    [FAULT_SLOW]       = { "slow",  false, true,  false, { .bytes_per_s = 20000 } },
    [FAULT_DELAY]      = { "delay", false, true,  false, { .ms = 500 } },
    [FAULT_MISSING]    = { "missing",    false, false, true,  { .to_ms = SF_TIME_MAX_MS } },
    [FAULT_DUPLICATES] = { "duplicates", false, false, true,  { .to_ms = SF_TIME_MAX_MS } },
    [FAULT_CLOCK]      = { "clock", false, false, false, { .ms = 0 } },
    [FAULT_WS_CUT]       = { .name = "ws_cut" },
    [FAULT_WS_CUT_MID]   = { .name = "ws_cut_mid" },
    [FAULT_WS_DROP]      = { .name = "ws_drop" },
    [FAULT_WS_DUPLICATE] = { .name = "ws_duplicate" },
    [FAULT_WS_REORDER]   = { .name = "ws_reorder" },
    [FAULT_WS_CORRUPT]   = { .name = "ws_corrupt" },
    [FAULT_WS_DELAY]     = { .name = "ws_delay",    .defaults = { .ms = 500 } },
    [FAULT_WS_SHUTDOWN]  = { .name = "ws_shutdown", .defaults = { .ms = SF_TIME_MAX_MS } },
    [FAULT_WS_ROLL]      = { .name = "ws_roll" },
    [FAULT_WS_REFUSE]    = { .name = "ws_refuse",   .defaults = { .ms = 1000 } },
};

static const struct {
    const char *name;
    size_t offset;
    int64_t min, max;
} numbers[] = {
    { "count",       offsetof(struct fault, count),         0, INT64_MAX },
    { "retry_after", offsetof(struct fault, retry_after_s), 0, 259200 },
    { "status",      offsetof(struct fault, status),        200, 599 },
    { "after",       offsetof(struct fault, after),         1, INT32_MAX },
    { "bytes_per_s", offsetof(struct fault, bytes_per_s),   1, INT32_MAX },
    { "ms",          offsetof(struct fault, ms),            -SF_TIME_MAX_MS, SF_TIME_MAX_MS },
    { "from",        offsetof(struct fault, from_ms),       0, SF_TIME_MAX_MS },
    { "to",          offsetof(struct fault, to_ms),         0, SF_TIME_MAX_MS },
};

static const struct {
    const char *name;
    size_t offset, size;
} texts[] = {
    { "path",     offsetof(struct fault, path),     sizeof(((struct fault *)0)->path) },
    { "symbol",   offsetof(struct fault, symbol),   sizeof(((struct fault *)0)->symbol) },
    { "interval", offsetof(struct fault, interval), sizeof(((struct fault *)0)->interval) },
};
/* clang-format on */

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* ------------------------------------------------------------------------------ parsing
 */

/* "0.05" as parts of a million: digits behind the sixth are dropped. */
static bool parse_chance(struct sf_str s, int64_t *ret)
{
    struct sf_str decimals, whole = sf_str_cut(s, '.', &decimals);
    int64_t n, scale = MILLION / 10;

    if (whole.len != 1 || sf_str_to_i64(whole, &n) != SF_OK || n < 0 || n > 1)
        return false;
    n *= MILLION;
    for (size_t i = 0; i < decimals.len; i++, scale /= 10) {
        if (decimals.p[i] < '0' || decimals.p[i] > '9')
            return false;
        n += (decimals.p[i] - '0') * scale;
    }
    *ret = n;
    return n <= MILLION;
}

static enum sf_status parse_number(struct fault *fault, struct sf_str name,
                                   const struct sf_str value, struct sf_error *err)
{
    int64_t n;

    if (sf_str_eq(name, SF_STR("probability"))) {
        if (!parse_chance(value, &fault->chance))
            return sf_error_set(err, SF_EPROTO, "probability: expected 0 to 1");
        return SF_OK;
    }
    for (size_t i = 0; i < COUNT(numbers); i++) {
        if (!sf_str_eq(name, sf_str_from(numbers[i].name)))
            continue;
        if (sf_str_to_i64(value, &n) != SF_OK || n < numbers[i].min || n > numbers[i].max)
            return sf_error_set(err, SF_EPROTO, "%s='%.*s': expected %lld to %lld",
                                numbers[i].name, (int)(value.len < 40 ? value.len : 40),
                                value.p, (long long)numbers[i].min,
                                (long long)numbers[i].max);
        memcpy((char *)fault + numbers[i].offset, &n, sizeof(n));
        return SF_OK;
    }
    return sf_error_set(err, SF_EPROTO, "no field of a number: '%.*s'",
                        (int)(name.len < 40 ? name.len : 40), name.p);
}

static enum sf_status parse_text(struct fault *fault, struct sf_str name,
                                 struct sf_str value, struct sf_error *err)
{
    if (sf_str_eq(name, SF_STR("kind")))
        return SF_OK; /* read before, for the defaults */
    for (size_t i = 0; i < COUNT(texts); i++)
        if (sf_str_eq(name, sf_str_from(texts[i].name))) {
            if (sf_str_copy(value, (char *)fault + texts[i].offset, texts[i].size))
                return SF_OK;
            return sf_error_set(err, SF_EPROTO, "%s: expected at most %zu characters",
                                texts[i].name, texts[i].size - 1);
        }
    return sf_error_set(err, SF_EPROTO, "no field of a text: '%.*s'",
                        (int)(name.len < 40 ? name.len : 40), name.p);
}

/* Look ahead for the kind, whose defaults the other fields change. */
static enum sf_status find_kind(struct sf_scan s, struct fault *ret, struct sf_error *err)
{
    struct sf_str kind = SF_STR_EMPTY;

    while (sf_scan_next(&s) == SF_TOK_KEY) {
        if (!sf_str_eq(s.text, SF_STR("kind"))) {
            if (!sf_scan_skip(&s))
                return sf_scan_error(&s, err);
        } else if (sf_scan_next(&s) == SF_TOK_STRING) {
            kind = s.text;
        }
    }
    for (size_t i = 0; i < FAULT_KINDS_N; i++) {
        if (sf_str_eq(kind, sf_str_from(kinds[i].name))) {
            *ret = kinds[i].defaults;
            ret->kind = (enum fault_kind)i;
            ret->count = -1;
            ret->chance = MILLION;
            return SF_OK;
        }
    }
    return sf_error_set(err, SF_EPROTO,
                        "kind='%.*s': expected 429, 418, 5xx, html, cut, slow, delay, "
                        "missing, duplicates, clock, or ws_ and cut, cut_mid, drop, "
                        "duplicate, reorder, corrupt, delay, shutdown, roll, refuse",
                        (int)(kind.len < 40 ? kind.len : 40), kind.p);
}

static enum sf_status parse_fault(struct sf_scan *s, struct fault *fault,
                                  struct sf_error *err)
{
    enum sf_token token;

    if (find_kind(*s, fault, err) != SF_OK)
        return SF_EPROTO;
    while ((token = sf_scan_next(s)) == SF_TOK_KEY) {
        struct sf_str name = s->text;
        enum sf_status rc;

        token = sf_scan_next(s);
        if (token == SF_TOK_STRING && !s->has_escapes)
            rc = parse_text(fault, name, s->text, err);
        else if (token == SF_TOK_NUMBER)
            rc = parse_number(fault, name, s->text, err);
        else
            return sf_error_set(err, SF_EPROTO, "%.*s: expected a text or a number",
                                (int)(name.len < 40 ? name.len : 40), name.p);
        if (rc != SF_OK)
            return rc;
    }
    return token == SF_TOK_OBJECT_END ? SF_OK : sf_scan_error(s, err);
}

enum sf_status faults_parse(struct faults *f, struct sf_str text, uint64_t seed,
                            struct sf_error *err)
{
    struct faults fresh = { .seed = seed, .state = seed };
    struct sf_scan s;
    enum sf_token token;

    sf_scan_init(&s, text);
    if (sf_scan_next(&s) != SF_TOK_ARRAY)
        return sf_error_set(err, SF_EPROTO, "expected a JSON array of faults");
    while ((token = sf_scan_next(&s)) == SF_TOK_OBJECT) {
        if (fresh.n == FAULTS_MAX)
            return sf_error_set(err, SF_EPROTO, "expected at most %d faults", FAULTS_MAX);
        if (parse_fault(&s, &fresh.list[fresh.n], err) != SF_OK)
            return sf_error_wrap(err, "fault %zu", fresh.n);
        fresh.n++;
    }
    if (token != SF_TOK_ARRAY_END || sf_scan_next(&s) != SF_TOK_END)
        return token == SF_TOK_ERROR
                   ? sf_scan_error(&s, err)
                   : sf_error_set(err, SF_EPROTO, "expected an array of objects");
    *f = fresh;
    return SF_OK;
}

void faults_print(const struct faults *f, struct sf_buf *b)
{
    sf_buf_add_char(b, '[');
    for (size_t i = 0; i < f->n; i++) {
        const struct fault *fault = &f->list[i];

        sf_buf_addf(b, "%s{\"kind\":\"%s\",\"path\":\"", i > 0 ? "," : "",
                    kinds[fault->kind].name);
        sf_buf_add_json(b, sf_str_from(fault->path));
        sf_buf_addf(b, "\",\"left\":%lld,\"hits\":%lld}", (long long)fault->count,
                    (long long)fault->hits);
    }
    sf_buf_add_char(b, ']');
}

/* ------------------------------------------------------------------------------- at work
 */

int64_t faults_clock_ms(const struct faults *f)
{
    int64_t ms = 0;

    for (size_t i = 0; i < f->n; i++)
        if (f->list[i].kind == FAULT_CLOCK)
            ms += f->list[i].ms;
    return ms;
}

/* Part of "path?query", as the client wrote it. */
static bool hits_path(const struct fault *fault, const struct call *call)
{
    struct sf_str path = sf_httpd_path(call->req), query = sf_httpd_query(call->req);
    struct sf_str part = sf_str_from(fault->path);

    return part.len == 0 || sf_str_contains(path, part) || sf_str_contains(query, part) ||
           /* path and query lie in the request line with a '?' between */
           (query.len > 0 &&
            sf_str_contains(sf_str_make(path.p, path.len + 1 + query.len), part));
}

static void count_hit(struct fault *fault)
{
    fault->hits++;
    if (fault->count > 0)
        fault->count--;
}

static bool hits_request(struct faults *f, struct fault *fault, const struct call *call)
{
    if (fault->count == 0 || !hits_path(fault, call) ||
        (int64_t)(mix_next(&f->state) % MILLION) >= fault->chance)
        return false;
    count_hit(fault);
    return true;
}

const struct fault *faults_answer(struct faults *f, const struct call *call)
{
    for (size_t i = 0; i < f->n; i++)
        if (kinds[f->list[i].kind].is_answer && hits_request(f, &f->list[i], call))
            return &f->list[i];
    return NULL;
}

void faults_shape(struct faults *f, const struct call *call,
                  struct sf_httpd_answer *answer)
{
    for (size_t i = 0; i < f->n; i++) {
        struct fault *fault = &f->list[i];

        if (!kinds[fault->kind].is_shape || !hits_request(f, fault, call))
            continue;
        if (fault->kind == FAULT_CUT)
            answer->cut_after =
                fault->after > 0 ? (size_t)fault->after : 1 + answer->body.len / 2;
        else if (fault->kind == FAULT_SLOW)
            answer->bytes_per_s = fault->bytes_per_s;
        else
            answer->delay_ms += fault->ms;
    }
}

uint32_t faults_row_mask(const struct faults *f, const struct call *call,
                         struct sf_str symbol, const char *interval)
{
    uint32_t mask = 0;

    for (size_t i = 0; i < f->n; i++) {
        const struct fault *fault = &f->list[i];

        if (kinds[fault->kind].is_row && fault->count != 0 && hits_path(fault, call) &&
            (fault->symbol[0] == '\0' || sf_str_eq(sf_str_from(fault->symbol), symbol)) &&
            (fault->interval[0] == '\0' || strcmp(fault->interval, interval) == 0))
            mask |= UINT32_C(1) << i;
    }
    return mask;
}

enum row_fate faults_row(const struct faults *f, uint32_t mask, int64_t open_ms,
                         uint32_t *used)
{
    enum row_fate fate = ROW_STAYS;

    for (size_t i = 0; i < f->n; i++) {
        const struct fault *fault = &f->list[i];

        /* by open time, so that a row shares its fate with itself in the next answer */
        if (!(mask & (UINT32_C(1) << i)) || open_ms < fault->from_ms ||
            open_ms > fault->to_ms ||
            (int64_t)(mix(f->seed + i, (uint64_t)open_ms) % MILLION) >= fault->chance)
            continue;
        *used |= UINT32_C(1) << i;
        if (fault->kind == FAULT_MISSING)
            return ROW_DROPPED;
        fate = ROW_DOUBLED;
    }
    return fate;
}

void faults_count(struct faults *f, uint32_t used)
{
    for (size_t i = 0; i < f->n; i++)
        if (used & (UINT32_C(1) << i))
            count_hit(&f->list[i]);
}

/* ---------------------------------------------------------------------------- streams */

static bool hits_frame(struct faults *f, struct fault *fault, struct sf_str stream)
{
    struct sf_str part = sf_str_from(fault->path);

    if (fault->count == 0 || (part.len > 0 && !sf_str_contains(stream, part)))
        return false;
    if (++fault->passed < fault->after)
        return false;
    fault->passed = 0;
    if ((int64_t)(mix_next(&f->state) % MILLION) >= fault->chance)
        return false;
    count_hit(fault);
    return true;
}

/* Is it for frames? A cut without `after` is for those who are connected. */
static bool is_of_frames(const struct fault *fault)
{
    return fault->kind >= FAULT_WS_CUT && fault->kind <= FAULT_WS_DELAY &&
           (fault->kind != FAULT_WS_CUT || fault->after > 0);
}

struct frame_fate faults_frame(struct faults *f, struct sf_str stream)
{
    struct frame_fate fate = { 0 };

    for (size_t i = 0; i < f->n; i++) {
        struct fault *fault = &f->list[i];

        if (!is_of_frames(fault) || !hits_frame(f, fault, stream))
            continue;
        fate.is_cut |= fault->kind == FAULT_WS_CUT;
        fate.is_cut_mid |= fault->kind == FAULT_WS_CUT_MID;
        fate.is_dropped |= fault->kind == FAULT_WS_DROP;
        fate.is_doubled |= fault->kind == FAULT_WS_DUPLICATE;
        fate.is_late |= fault->kind == FAULT_WS_REORDER;
        fate.is_corrupt |= fault->kind == FAULT_WS_CORRUPT;
        fate.delay_ms += fault->kind == FAULT_WS_DELAY ? fault->ms : 0;
    }
    return fate;
}

const struct fault *faults_take(struct faults *f, enum fault_kind kind)
{
    for (size_t i = 0; i < f->n; i++) {
        struct fault *fault = &f->list[i];

        if (fault->kind != kind || fault->count == 0 || is_of_frames(fault))
            continue;
        count_hit(fault);
        fault->count = 0;
        return fault;
    }
    return NULL;
}

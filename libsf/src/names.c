#include <sf/names.h>

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

static const char id_chars[] = "abcdefghijklmnopqrstuvwxyz0123456789";
#define ID_CHARS_N (sizeof(id_chars) - 1)

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_alnum(char c)
{
    return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9');
}

/* [A-Za-z0-9._-]+: what topics, ids and tags are made of. */
static bool has_name_chars(struct sf_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_alnum(s.p[i]) && s.p[i] != '.' && s.p[i] != '_' && s.p[i] != '-')
            return false;
    return s.len > 0;
}

static bool is_default_exchange(struct sf_str exchange)
{
    return exchange.len == 0 || sf_str_eq(exchange, SF_STR(SF_DEFAULT_EXCHANGE));
}

/* A name under construction in a caller's buffer of SF_NAME_MAX + 1 bytes. @checked: of
 * the arguments; unless SF_OK nothing is built, and finish() returns it. */
static struct sf_buf begin(char *dst, enum sf_status checked)
{
    dst[0] = '\0';
    return (struct sf_buf){
        .p = dst, .cap = SF_NAME_MAX, .max = SF_NAME_MAX, .status = checked
    };
}

static enum sf_status finish(struct sf_buf *b, char *dst, size_t max, const char *what,
                             struct sf_error *err)
{
    if (b->status == SF_EINVAL)
        return SF_EINVAL; /* the check has said why */
    if (b->status != SF_OK || b->len > max) {
        dst[0] = '\0';
        return sf_error_set(err, SF_ETOOBIG, "%s would be longer than %zu characters",
                            what, max);
    }
    dst[b->len] = '\0';
    return SF_OK;
}

static void add_lower(struct sf_buf *b, struct sf_str s)
{
    for (size_t i = 0; i < s.len; i++)
        sf_buf_add_char(b, lower(s.p[i]));
}

/* "btcusdt", "bybit-btcusdt": what stands for the symbol in names, lower case. */
static void add_subject(struct sf_buf *b, const struct sf_subject *s, char sep)
{
    if (!is_default_exchange(s->exchange)) {
        add_lower(b, s->exchange);
        sf_buf_add_char(b, sep);
    }
    add_lower(b, s->symbol);
}

/* Replace every @from by @to in what was added since @since. */
static void replace(struct sf_buf *b, size_t since, char from, char to)
{
    for (size_t i = since; b->status == SF_OK && i < b->len; i++)
        if (b->p[i] == from)
            b->p[i] = to;
}

/* ------------------------------------------------------------------- symbol and ids */

static bool is_symbol(struct sf_str s)
{
    return s.len <= SF_SYMBOL_MAX && has_name_chars(s) && is_alnum(s.p[0]);
}

enum sf_status sf_name_symbol(struct sf_str given, char *dst, struct sf_error *err)
{
    struct sf_str s = sf_str_trim(given);

    if (!is_symbol(s))
        return sf_error_set(err, SF_EINVAL,
                            "expected a letter or digit, then letters, digits, '.', '_', "
                            "'-', at most %d characters",
                            SF_SYMBOL_MAX);
    for (size_t i = 0; i < s.len; i++)
        dst[i] = s.p[i] >= 'a' && s.p[i] <= 'z' ? (char)(s.p[i] - 'a' + 'A') : s.p[i];
    dst[s.len] = '\0';
    return SF_OK;
}

static bool random_bytes(unsigned char *dst, size_t n)
{
    ssize_t got;

    do
        got = getrandom(dst, n, 0);
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)n;
}

enum sf_status sf_name_short_id(char *dst, struct sf_error *err)
{
    /* Bytes from 252 on would favour the first characters: 252 = 7 * 36. */
    const unsigned unbiased = 256 / ID_CHARS_N * ID_CHARS_N;
    size_t n = 0;

    while (n < SF_SHORT_ID_LEN) {
        unsigned char bytes[16];

        if (!random_bytes(bytes, sizeof(bytes)))
            return sf_error_set(err, SF_EIO, "getrandom: errno %d", errno);
        for (size_t i = 0; i < sizeof(bytes) && n < SF_SHORT_ID_LEN; i++)
            if (bytes[i] < unbiased)
                dst[n++] = id_chars[bytes[i] % ID_CHARS_N];
    }
    dst[n] = '\0';
    return SF_OK;
}

static bool is_short_id(struct sf_str s)
{
    bool is_good = s.len == SF_SHORT_ID_LEN;

    for (size_t i = 0; is_good && i < s.len; i++)
        is_good = memchr(id_chars, s.p[i], ID_CHARS_N) != NULL;
    return is_good;
}

/* @n characters that stand for the hash of @s. */
static void hash_id(struct sf_str s, char *dst, size_t n)
{
    uint64_t h = sf_str_hash(s);

    for (size_t i = 0; i < n; i++, h /= ID_CHARS_N)
        dst[i] = id_chars[h % ID_CHARS_N];
    dst[n] = '\0';
}

/* What follows the last '-' of @s. */
static struct sf_str last_part(struct sf_str s)
{
    size_t at = s.len;

    while (at > 0 && s.p[at - 1] != '-')
        at--;
    return (struct sf_str){ s.p + at, s.len - at };
}

enum sf_status sf_name_check_topic(struct sf_str topic, struct sf_error *err)
{
    if (!has_name_chars(topic) || topic.len > SF_TOPIC_MAX ||
        sf_str_eq(topic, SF_STR(".")) || sf_str_eq(topic, SF_STR("..")))
        return sf_error_set(err, SF_EINVAL,
                            "expected 1 to %d of letters, digits, '.', '_', '-'",
                            SF_TOPIC_MAX);
    return SF_OK;
}

enum sf_status sf_name_check_queue_id(struct sf_str queue_id, struct sf_error *err)
{
    return sf_name_check_topic(queue_id, err);
}

enum sf_status sf_name_short_id_of(struct sf_str queue_id, char *dst,
                                   struct sf_error *err)
{
    struct sf_str tail = last_part(queue_id);
    enum sf_status status = sf_name_check_queue_id(queue_id, err);

    if (status != SF_OK)
        return status;
    if (tail.len == queue_id.len || !is_short_id(tail)) {
        hash_id(queue_id, dst, SF_SHORT_ID_LEN);
        return SF_OK;
    }
    return sf_str_copy(tail, dst, SF_SHORT_ID_LEN + 1) ? SF_OK : SF_ETOOBIG;
}

enum sf_status sf_name_date_of(struct sf_str queue_id, int64_t *ret_ms)
{
    struct sf_str tail = last_part(queue_id);
    char date[11];
    struct sf_str part;

    if (tail.len == queue_id.len || queue_id.len < tail.len + 1 + 10)
        return SF_ENOTFOUND;
    part = (struct sf_str){ queue_id.p + queue_id.len - tail.len - 11, 10 };
    if (part.p > queue_id.p && part.p[-1] != '-')
        return SF_ENOTFOUND;
    memcpy(date, part.p, 10);
    date[4] = date[4] == '_' ? '-' : date[4];
    date[7] = date[7] == '_' ? '-' : date[7];
    return sf_time_parse_date((struct sf_str){ date, 10 }, ret_ms) == SF_OK
               ? SF_OK
               : SF_ENOTFOUND;
}

/* -------------------------------------------------------------------------- names */

static enum sf_status check_exchange(struct sf_str exchange, struct sf_error *err)
{
    for (size_t i = 0; i < exchange.len; i++)
        if (!is_alnum(exchange.p[i]) || exchange.p[i] != lower(exchange.p[i]))
            return sf_error_set(err, SF_EINVAL,
                                "exchange: expected lower case letters and digits");
    return SF_OK;
}

static enum sf_status check_symbol(struct sf_str symbol, struct sf_error *err)
{
    char checked[SF_SYMBOL_MAX + 1];

    if (symbol.len > 0 && sf_str_trim(symbol).len == symbol.len)
        return sf_name_symbol(symbol, checked, err);
    return sf_error_set(err, SF_EINVAL, "symbol: expected one without white space");
}

static enum sf_status check_subject(const struct sf_subject *s, struct sf_error *err)
{
    enum sf_status status = check_exchange(s->exchange, err);

    if (status == SF_OK)
        status = check_symbol(s->symbol, err);
    if (status == SF_OK && s->type.type->has_interval != (s->type.interval != NULL))
        status = sf_error_set(err, SF_EINVAL, "%s: expected %s interval",
                              s->type.type->name, s->type.interval ? "no" : "an");
    if (status == SF_OK && (s->date_ms < SF_TIME_MIN_MS || s->date_ms >= SF_TIME_MAX_MS))
        status = sf_error_set(err, SF_EINVAL, "date: expected 1970 to 2099");
    return status;
}

static enum sf_status check_short_id(struct sf_str short_id, struct sf_error *err)
{
    if (is_short_id(short_id))
        return SF_OK;
    return sf_error_set(err, SF_EINVAL, "short id: expected %d of a-z, 0-9",
                        SF_SHORT_ID_LEN);
}

static enum sf_status check_image(struct sf_str image, struct sf_error *err)
{
    if (has_name_chars(image) && is_alnum(image.p[0]))
        return SF_OK;
    return sf_error_set(err, SF_EINVAL, "image: expected letters, digits, '.', '_', '-'");
}

/* "api_candles_5m"; the month is "1mo" in every name that is lower case only. */
static void add_type(struct sf_buf *b, struct sf_type_ref ref)
{
    sf_buf_add_str(b, sf_str_from(ref.type->name));
    if (ref.interval)
        sf_buf_addf(b, "_%s", ref.interval->label);
}

enum sf_status sf_name_queue_id(const struct sf_subject *s, char *dst,
                                struct sf_error *err)
{
    enum sf_status status = check_subject(s, err);
    struct sf_buf b;
    char date[SF_TIME_ISO_SIZE];

    if (status == SF_OK)
        status = check_short_id(s->short_id, err);
    b = begin(dst, status);
    sf_buf_add_str(&b, s->type.type->kind == SF_KIND_GRAPH ? SF_STR("graph-")
                                                           : SF_STR("loader-"));
    add_subject(&b, s, '-');
    sf_buf_add_char(&b, '-');
    add_type(&b, s->type);
    sf_buf_addf(&b, "-%s-", sf_time_date(s->date_ms, '_', date));
    sf_buf_add_str(&b, s->short_id);
    return finish(&b, dst, SF_TOPIC_MAX, "queue id", err);
}

enum sf_status sf_name_topic(struct sf_str queue_id, char *dst, struct sf_error *err)
{
    struct sf_buf b = begin(dst, sf_name_check_queue_id(queue_id, err));

    sf_buf_add_str(&b, queue_id);
    replace(&b, 0, '_', '-');
    return finish(&b, dst, SF_TOPIC_MAX, "topic", err);
}

enum sf_status sf_name_dlq(struct sf_str topic, char *dst, struct sf_error *err)
{
    struct sf_buf b = begin(dst, sf_name_check_topic(topic, err));

    sf_buf_add_str(&b, topic);
    sf_buf_add_lit(&b, "-dlq");
    return finish(&b, dst, SF_TOPIC_MAX, "dead-letter topic", err);
}

enum sf_status sf_name_collection(const struct sf_subject *s, char *dst,
                                  struct sf_error *err)
{
    struct sf_buf b = begin(dst, check_subject(s, err));
    char date[SF_TIME_ISO_SIZE];
    struct sf_str first = is_default_exchange(s->exchange) ? s->symbol : s->exchange;

    if (first.len > 0 && first.p[0] >= '0' && first.p[0] <= '9')
        sf_buf_add_lit(&b, "s_"); /* collections begin with a letter */
    add_subject(&b, s, '_');
    replace(&b, 0, '.', '-');
    sf_buf_addf(&b, "_%s", sf_kind_name(s->type.type->kind));
    if (s->type.interval)
        sf_buf_addf(&b, "_%s", s->type.interval->label);
    sf_buf_addf(&b, "_%s", sf_time_date(s->date_ms, '_', date));
    return finish(&b, dst, SF_NAME_MAX, "collection", err);
}

enum sf_status sf_name_telemetry_id(struct sf_str image, struct sf_str short_id,
                                    char *dst, struct sf_error *err)
{
    enum sf_status status = check_image(image, err);
    struct sf_buf b;

    if (status == SF_OK)
        status = check_short_id(short_id, err);
    b = begin(dst, status);
    sf_buf_add_str(&b, image);
    sf_buf_add_lit(&b, "__");
    sf_buf_add_str(&b, short_id);
    return finish(&b, dst, SF_NAME_MAX, "telemetry id", err);
}

enum sf_status sf_name_group(struct sf_str image, struct sf_str queue_id, char *dst,
                             struct sf_error *err)
{
    enum sf_status status = check_image(image, err);
    struct sf_buf b;

    if (status == SF_OK)
        status = sf_name_check_queue_id(queue_id, err);
    b = begin(dst, status);
    sf_buf_add_str(&b, image);
    sf_buf_add_char(&b, '-');
    sf_buf_add_str(&b, queue_id);
    return finish(&b, dst, SF_NAME_MAX, "consumer group", err);
}

#define JOB_HASH_LEN 6

/* Too long for a label: the readable front stays, a hash of the whole stands for the
 * rest. */
static void shorten_label(struct sf_buf *b, struct sf_str short_id)
{
    size_t keep = SF_LABEL_MAX - short_id.len - 1 - JOB_HASH_LEN - 1;
    char hash[JOB_HASH_LEN + 1];

    hash_id(sf_buf_str(b), hash, JOB_HASH_LEN);
    while (keep > 0 && b->p[keep - 1] == '-')
        keep--;
    b->len = keep;
    sf_buf_addf(b, "-%s-", hash);
    sf_buf_add_str(b, short_id);
}

enum sf_status sf_name_job(struct sf_str image, const struct sf_subject *s, char *dst,
                           struct sf_error *err)
{
    enum sf_status status = check_image(image, err);
    struct sf_buf b;
    char date[SF_TIME_ISO_SIZE];

    if (status == SF_OK)
        status = check_subject(s, err);
    if (status == SF_OK)
        status = check_short_id(s->short_id, err);
    b = begin(dst, status);
    sf_buf_add_str(&b, image);
    sf_buf_add_char(&b, '-');
    add_subject(&b, s, '-');
    if (s->type.interval)
        sf_buf_addf(&b, "-%s", s->type.interval->label);
    sf_buf_addf(&b, "-%s-", sf_time_date(s->date_ms, 0, date));
    sf_buf_add_str(&b, s->short_id);
    replace(&b, 0, '.', '-');
    replace(&b, 0, '_', '-');
    for (size_t i = 0; i < b.len; i++)
        b.p[i] = lower(b.p[i]);
    if (b.status == SF_OK && b.len > SF_LABEL_MAX)
        shorten_label(&b, s->short_id);
    return finish(&b, dst, SF_LABEL_MAX, "job name", err);
}

enum sf_status sf_name_image(struct sf_str registry, struct sf_str image,
                             struct sf_str tag, char *dst, struct sf_error *err)
{
    struct sf_buf b = begin(dst, check_image(image, err));

    if (registry.len > 0) {
        sf_buf_add_str(&b, registry);
        sf_buf_add_char(&b, '/');
    }
    sf_buf_add_str(&b, image);
    sf_buf_add_char(&b, ':');
    sf_buf_add_str(&b, tag);
    return finish(&b, dst, SF_NAME_MAX, "image", err);
}

enum sf_status sf_name_command_id(char *dst, struct sf_error *err)
{
    unsigned char r[16];

    if (!random_bytes(r, sizeof(r)))
        return sf_error_set(err, SF_EIO, "getrandom: errno %d", errno);
    r[6] = (unsigned char)((r[6] & 0x0f) | 0x40); /* RFC 9562: version 4 */
    r[8] = (unsigned char)((r[8] & 0x3f) | 0x80); /* variant 10 */
    (void)snprintf(
        dst, SF_NAME_MAX + 1,
        "cmd__%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", r[0],
        r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10], r[11], r[12], r[13],
        r[14], r[15]);
    return SF_OK;
}

enum sf_status sf_name_key_prefix(struct sf_str exchange, struct sf_str symbol, char *dst,
                                  struct sf_error *err)
{
    enum sf_status status = check_exchange(exchange, err);
    struct sf_buf b;

    if (status == SF_OK)
        status = check_symbol(symbol, err);
    b = begin(dst, status);
    if (!is_default_exchange(exchange)) {
        sf_buf_add_str(&b, exchange);
        sf_buf_add_char(&b, '_');
    }
    sf_buf_add_str(&b, symbol);
    return finish(&b, dst, SF_NAME_MAX, "key", err);
}

enum sf_status sf_name_ledger_kind(struct sf_type_ref type, char *dst,
                                   struct sf_error *err)
{
    struct sf_buf b = begin(dst, SF_OK);

    sf_buf_add_str(&b, sf_str_from(sf_kind_name(type.type->kind)));
    if (type.interval)
        sf_buf_addf(&b, "_%s", type.interval->label);
    return finish(&b, dst, SF_NAME_MAX, "ledger kind", err);
}

/* What an answer means. ArangoDB says it in four ways: no answer or HTML of a proxy, an
 * HTTP status with an error object, 2xx with `{}` (silent: all stored), 2xx with an array
 * in which single documents may have failed. Source: ArangoDB 3.12 HTTP API, "documents",
 * and its list of error codes. */
#include "arango_internal.h"

#include <stdio.h>

/* Error numbers to classes; the first row that holds the number wins. */
static const struct {
    int from, to;
    enum arango_class class;
} classes[] = {
    { 3, 4, ARANGO_RETRY },         /* out of memory, internal */
    { 11, 11, ARANGO_DENIED },      /* forbidden */
    { 18, 18, ARANGO_RETRY },       /* lock timeout */
    { 28, 29, ARANGO_RETRY },       /* cluster lock timeout */
    { 30, 30, ARANGO_AWAY },        /* shutting down */
    { 32, 32, ARANGO_DATA },        /* resource limit: too much for one transaction */
    { 400, 400, ARANGO_DATA },      /* bad request */
    { 401, 401, ARANGO_AUTH },      /* not authorised */
    { 403, 403, ARANGO_DENIED },    /* forbidden */
    { 503, 503, ARANGO_AWAY },      /* service unavailable */
    { 600, 600, ARANGO_DATA },      /* malformed JSON */
    { 1004, 1004, ARANGO_LOCKED },  /* read-only, or write concern not met */
    { 1104, 1104, ARANGO_LOCKED },  /* disk full */
    { 1200, 1200, ARANGO_RETRY },   /* write-write conflict */
    { 1203, 1203, ARANGO_GONE },    /* no collection */
    { 1228, 1228, ARANGO_GONE },    /* no database */
    { 1201, 1299, ARANGO_DATA },    /* keys, types, unique constraints, sizes */
    { 1302, 1303, ARANGO_RETRY },   /* try again, busy */
    { 1305, 1305, ARANGO_LOCKED },  /* I/O error */
    { 1429, 1429, ARANGO_LOCKED },  /* write concern not met */
    { 1457, 1457, ARANGO_RETRY },   /* cluster timeout */
    { 1464, 1464, ARANGO_RETRY },   /* shards out of sync with their plan */
    { 1465, 1465, ARANGO_AWAY },    /* connection to a DB-server lost */
    { 1466, 1466, ARANGO_DATA },    /* _key with other shard keys */
    { 1469, 1469, ARANGO_DATA },    /* shard keys changed */
    { 1478, 1478, ARANGO_AWAY },    /* backend gone */
    { 1489, 1491, ARANGO_AWAY },    /* shard leadership refused, resigned */
    { 1495, 1496, ARANGO_AWAY },    /* leadership challenged, not a leader */
    { 1501, 1599, ARANGO_DATA },    /* computed values and their AQL; nesting */
    { 1620, 1620, ARANGO_DATA },    /* schema */
    { 4000, 4099, ARANGO_DATA },    /* smart graphs */
    { 9000, 9099, ARANGO_DENIED },  /* licence */
    { 21003, 21004, ARANGO_RETRY }, /* queue full, queue time over the limit */
};

/* False: a number that the table does not know. */
static bool find_class(int error_num, enum arango_class *ret)
{
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        if (error_num >= classes[i].from && error_num <= classes[i].to) {
            *ret = classes[i].class;
            return true;
        }
    }
    return false;
}

/* Read the fields of an error object, at the token behind its '{'. True: "error" is true.
 * The scan ends behind the '}' or at an error. */
static bool read_error(struct sf_scan *s, struct arango_verdict *v)
{
    bool is_error = false;
    int64_t n;

    while (sf_scan_next(s) == SF_TOK_KEY) {
        struct sf_str key = s->text;
        enum sf_token token = sf_scan_next(s);

        if ((token == SF_TOK_OBJECT || token == SF_TOK_ARRAY) && !sf_scan_skip(s))
            return is_error;
        if (sf_str_eq(key, SF_STR("error")))
            is_error = token == SF_TOK_TRUE;
        else if (sf_str_eq(key, SF_STR("errorNum")) && token == SF_TOK_NUMBER &&
                 sf_str_to_i64(s->text, &n) == SF_OK && n >= 0 && n < 1000000)
            v->error_num = (int)n;
        else if (sf_str_eq(key, SF_STR("errorMessage")) && token == SF_TOK_STRING)
            v->text = s->text;
    }
    return is_error;
}

/* By the HTTP status alone: the number is unknown, or the body is not ArangoDB's. A 4xx
 * in HTML comes from something between us and it. */
static enum arango_class class_of_status(int status, bool is_arango)
{
    if (status == 401)
        return ARANGO_AUTH;
    if (status == 413)
        return ARANGO_DATA;
    if (!is_arango || status >= 500 || status < 400)
        return status == 501 && is_arango ? ARANGO_REFUSED : ARANGO_AWAY;
    return status == 403 ? ARANGO_DENIED : ARANGO_REFUSED;
}

static bool is_empty_object(struct sf_str body)
{
    struct sf_scan s;
    enum sf_token first, second;

    sf_scan_init(&s, body);
    first = sf_scan_next(&s);
    second = sf_scan_next(&s);
    return first == SF_TOK_OBJECT && second == SF_TOK_OBJECT_END &&
           sf_scan_next(&s) == SF_TOK_END;
}

/* 2xx. Only an exact `{}` says "all stored"; another object is good enough for set-up. */
static void judge_good(struct sf_str body, bool has_codes, struct arango_verdict *v)
{
    struct sf_str text = sf_str_trim(body);

    v->is_empty = is_empty_object(text);
    if (text.len > 0 && (text.p[0] == '[' || has_codes))
        v->class = ARANGO_ITEMS;
    else if (text.len > 0 && text.p[0] == '{')
        v->class = ARANGO_OK;
}

void arango_judge(int status, struct sf_str body, bool has_codes,
                  struct arango_verdict *ret)
{
    struct sf_scan s;
    bool is_arango;

    *ret = (struct arango_verdict){ ARANGO_AWAY, status, 0, false, SF_STR_EMPTY };
    if (status >= 200 && status < 300)
        judge_good(body, has_codes, ret);
    if (ret->class == ARANGO_ITEMS)
        return;
    sf_scan_init(&s, body);
    is_arango = sf_scan_next(&s) == SF_TOK_OBJECT && read_error(&s, ret);
    if (ret->class == ARANGO_OK && !is_arango)
        return;
    if (!is_arango || !find_class(ret->error_num, &ret->class))
        ret->class = class_of_status(status, is_arango);
    if (status == 401 && ret->class == ARANGO_DENIED)
        ret->class = ARANGO_AUTH; /* 401 comes with number 11 as well */
}

/* --------------------------------------------------------------------------- items */

enum sf_status arango_items_count(struct sf_str body, size_t *ret_n, struct sf_error *err)
{
    struct sf_scan s;
    enum sf_token token;
    size_t n = 0;

    sf_scan_init(&s, body);
    if (sf_scan_next(&s) != SF_TOK_ARRAY)
        return sf_scan_error(&s, err);
    while ((token = sf_scan_next(&s)) == SF_TOK_OBJECT) {
        if (!sf_scan_skip(&s))
            return sf_scan_error(&s, err);
        n++;
    }
    if (token != SF_TOK_ARRAY_END || sf_scan_next(&s) != SF_TOK_END)
        return sf_scan_error(&s, err);
    *ret_n = n;
    return SF_OK;
}

void arango_items_begin(struct arango_items *it, struct sf_str body)
{
    sf_scan_init(&it->scan, body);
    (void)sf_scan_next(&it->scan); /* the '[' */
}

/* A number that we do not know is taken for transient: a document that could have been
 * stored must not end among the dead letters. */
bool arango_items_next(struct arango_items *it, struct arango_verdict *ret)
{
    *ret = (struct arango_verdict){ ARANGO_OK, 0, 0, false, SF_STR_EMPTY };
    if (sf_scan_next(&it->scan) != SF_TOK_OBJECT)
        return false;
    if (read_error(&it->scan, ret) && !find_class(ret->error_num, &ret->class))
        ret->class = ARANGO_RETRY;
    return true;
}

enum sf_status arango_verdict_error(const struct arango_verdict *v, const char *what,
                                    enum sf_status status, struct sf_error *err)
{
    struct sf_str text = v->text;
    char num[32] = "";

    if (v->error_num > 0)
        (void)snprintf(num, sizeof(num), ", error %d", v->error_num);
    if (text.len > 300)
        text.len = 300;
    if (v->http == 0)
        return sf_error_set(err, status, "%s: error %d: %" SF_STR_FMT, what, v->error_num,
                            SF_STR_ARG(text));
    return sf_error_set(err, status, "%s: HTTP %d%s%s%" SF_STR_FMT, what, v->http, num,
                        text.len > 0 ? ": " : "", SF_STR_ARG(text));
}

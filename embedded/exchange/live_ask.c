/* SUBSCRIBE and its kin: web-socket-streams.md of Binance's documentation. Errors are
 * nested in "error", as clients have seen them. */
#include "live_internal.h"

#include <sf/scan.h>

struct ask {
    struct sf_str method, id; /* id: raw JSON */
    struct sf_scan params;    /* behind '[' */
    bool has_params;
};

static void answer(struct client *c, const struct ask *a, struct sf_str result)
{
    struct sf_buf *b = &c->live->frame;

    sf_buf_clear(b);
    sf_buf_add_lit(b, "{\"result\":");
    sf_buf_add_str(b, result);
    sf_buf_add_lit(b, ",\"id\":");
    sf_buf_add_str(b, a->id);
    sf_buf_add_char(b, '}');
    (void)sf_wsd_send(c->ws, sf_buf_str(b), false);
}

static void fail(struct client *c, const struct ask *a, int code, const char *text)
{
    struct sf_buf *b = &c->live->frame;

    sf_buf_clear(b);
    sf_buf_addf(b, "{\"error\":{\"code\":%d,\"msg\":\"", code);
    sf_buf_add_json(b, sf_str_from(text));
    sf_buf_add_lit(b, "\"},\"id\":");
    sf_buf_add_str(b, a->id.len > 0 ? a->id : SF_STR("null"));
    sf_buf_add_char(b, '}');
    (void)sf_wsd_send(c->ws, sf_buf_str(b), false);
}

static void subscribe(struct client *c, struct ask *a)
{
    while (sf_scan_next(&a->params) == SF_TOK_STRING)
        if (!client_subscribe(c, a->params.text)) {
            fail(c, a, 4, "Too many subscriptions");
            return;
        }
    answer(c, a, SF_STR("null"));
}

static void unsubscribe(struct client *c, struct ask *a)
{
    while (sf_scan_next(&a->params) == SF_TOK_STRING)
        client_unsubscribe(c, a->params.text);
    answer(c, a, SF_STR("null"));
}

static void list(struct client *c, struct ask *a)
{
    struct sf_buf names;

    sf_buf_init(&names, STREAMS_MAX * (STREAM_NAME_MAX * 6 + 3) + 2);
    for (size_t i = 0; i < c->channels_n; i++) {
        sf_buf_add_str(&names, i > 0 ? SF_STR(",\"") : SF_STR("[\""));
        sf_buf_add_json(&names, sf_str_from(c->channels[i]->stream.name));
        sf_buf_add_char(&names, '"');
    }
    sf_buf_add_str(&names, c->channels_n > 0 ? SF_STR("]") : SF_STR("[]"));
    answer(c, a, sf_buf_str(&names));
    sf_buf_release(&names);
}

/* ["combined", true] */
static void set_property(struct client *c, struct ask *a)
{
    enum sf_token value;

    if (sf_scan_next(&a->params) != SF_TOK_STRING) {
        fail(c, a, 2, "Invalid request: property name must be a string");
    } else if (!sf_str_eq(a->params.text, SF_STR("combined"))) {
        fail(c, a, 0, "Unknown property");
    } else {
        value = sf_scan_next(&a->params);
        if (value != SF_TOK_TRUE && value != SF_TOK_FALSE) {
            fail(c, a, 1, "Invalid value type: expected Boolean");
            return;
        }
        c->is_combined = value == SF_TOK_TRUE;
        answer(c, a, SF_STR("null"));
    }
}

static void get_property(struct client *c, struct ask *a)
{
    if (sf_scan_next(&a->params) != SF_TOK_STRING ||
        !sf_str_eq(a->params.text, SF_STR("combined")))
        fail(c, a, 0, "Unknown property");
    else
        answer(c, a, c->is_combined ? SF_STR("true") : SF_STR("false"));
}

static const struct {
    const char *name;
    void (*serve)(struct client *c, struct ask *a);
    bool has_params;
} methods[] = {
    { "SUBSCRIBE", subscribe, true },       { "UNSUBSCRIBE", unsubscribe, true },
    { "LIST_SUBSCRIPTIONS", list, false },  { "SET_PROPERTY", set_property, true },
    { "GET_PROPERTY", get_property, true },
};

/* Read the members. Returns NULL, or what is wrong; *@ret_code is then 2 or 3. */
static const char *read_ask(struct sf_str text, struct ask *a, int *ret_code)
{
    struct sf_scan s;
    enum sf_token token;
    struct sf_str raw;

    *ret_code = 3;
    sf_scan_init(&s, text);
    if (sf_scan_next(&s) != SF_TOK_OBJECT)
        return "Invalid JSON: expected an object";
    while ((token = sf_scan_next(&s)) == SF_TOK_KEY) {
        struct sf_str key = s.text;

        if (sf_scan_raw(&s, &raw, NULL) != SF_OK)
            return "Invalid JSON";
        if (sf_str_eq(key, SF_STR("id"))) {
            a->id = raw;
        } else if (sf_str_eq(key, SF_STR("method")) && raw.p[0] == '"') {
            a->method = sf_str_make(raw.p + 1, raw.len - 2);
        } else if (sf_str_eq(key, SF_STR("params"))) {
            sf_scan_init(&a->params, raw);
            a->has_params = sf_scan_next(&a->params) == SF_TOK_ARRAY;
        }
    }
    if (token != SF_TOK_OBJECT_END || sf_scan_next(&s) != SF_TOK_END)
        return "Invalid JSON";
    *ret_code = 2;
    if (a->method.len == 0)
        return "Invalid request: missing field `method`";
    if (a->id.p[0] == '{' || a->id.p[0] == '[' || a->id.p[0] == 't' ||
        a->id.p[0] == 'f' || a->id.len > 38)
        return "Invalid request: request ID must be an unsigned integer";
    return NULL;
}

void client_on_message(void *arg, struct sf_wsd *ws, struct sf_str message,
                       bool is_binary)
{
    struct ask a = { .method = SF_STR_EMPTY, .id = SF_STR("null") };
    struct client *c = arg;
    int code;
    const char *wrong = read_ask(message, &a, &code);

    (void)ws;
    (void)is_binary;
    if (wrong) {
        a.id = SF_STR_EMPTY;
        fail(c, &a, code, wrong);
        return;
    }
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (!sf_str_eq(a.method, sf_str_from(methods[i].name)))
            continue;
        if (methods[i].has_params && !a.has_params)
            fail(c, &a, 2, "Invalid request: missing field `params`");
        else
            methods[i].serve(c, &a);
        return;
    }
    fail(c, &a, 2,
         "Invalid request: unknown variant, expected one of `SUBSCRIBE`, `UNSUBSCRIBE`, "
         "`LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY`");
}

#include "control.h"

#include "faults.h"
#include "live.h"

static void reply(struct exchange *ex, struct sf_httpd_req *req, int status)
{
    sf_httpd_reply_json(req, status, sf_buf_str(&ex->out));
}

static void faults_get(struct exchange *ex, struct sf_httpd_req *req)
{
    faults_print(ex->faults, &ex->out);
    reply(ex, req, 200);
}

static void faults_set(struct exchange *ex, struct sf_httpd_req *req)
{
    struct sf_error err = { 0 };

    if (faults_parse(ex->faults, sf_httpd_body(req), ex->seed, &err) == SF_OK) {
        live_new_faults(ex->live);
        faults_get(ex, req);
        return;
    }
    sf_buf_add_lit(&ex->out, "{\"error\":\"");
    sf_buf_add_json(&ex->out, sf_str_from(err.text));
    sf_buf_add_lit(&ex->out, "\"}");
    reply(ex, req, 400);
}

static void faults_clear(struct exchange *ex, struct sf_httpd_req *req)
{
    ex->faults->n = 0;
    faults_get(ex, req);
}

static void stats_get(struct exchange *ex, struct sf_httpd_req *req)
{
    const struct stats *s = &ex->stats;

    sf_buf_addf(&ex->out,
                "{\"requests\":%lld,\"weight\":%lld,\"200\":%lld,\"429\":%lld,"
                "\"418\":%lld,\"other\":%lld,\"faults\":%lld,\"used_weight\":%lld,",
                (long long)s->requests, (long long)s->weight, (long long)s->ok,
                (long long)s->refused_429, (long long)s->refused_418, (long long)s->other,
                (long long)s->faults, (long long)ex->budget.used);
    live_print(ex->live, &ex->out);
    sf_buf_add_char(&ex->out, '}');
    reply(ex, req, 200);
}

/* Counters to zero, and the budget as after a pause of minutes. */
static void stats_reset(struct exchange *ex, struct sf_httpd_req *req)
{
    ex->stats = (struct stats){ 0 };
    budget_init(&ex->budget, ex->budget.weight_limit);
    live_reset(ex->live);
    stats_get(ex, req);
}

static void clock_get(struct exchange *ex, struct sf_httpd_req *req)
{
    sf_buf_addf(&ex->out, "{\"now_ms\":%lld}", (long long)exchange_now_ms(ex));
    reply(ex, req, 200);
}

/* ?advance_ms=N: tests move a clock that stands still. */
static void clock_set(struct exchange *ex, struct sf_httpd_req *req)
{
    struct sf_str value;
    int64_t ms;

    if (ex->fixed_now_ms != 0 && sf_httpd_param(req, "advance_ms", &value) &&
        sf_str_to_i64(value, &ms) == SF_OK && ms >= 0 &&
        ms < SF_TIME_MAX_MS - ex->fixed_now_ms) {
        ex->fixed_now_ms += ms;
        clock_get(ex, req);
        return;
    }
    sf_buf_add_lit(&ex->out, "{\"error\":\"expected --now-ms and ?advance_ms=N\"}");
    reply(ex, req, 400);
}

/* clang-format off */
static const struct {
    const char *method, *path;
    void (*serve)(struct exchange *ex, struct sf_httpd_req *req);
} routes[] = {
    { "GET",    "/control/faults", faults_get },
    { "POST",   "/control/faults", faults_set },
    { "DELETE", "/control/faults", faults_clear },
    { "GET",    "/control/clock",  clock_get },
    { "POST",   "/control/clock",  clock_set },
    { "GET",    "/control/stats",  stats_get },
    { "DELETE", "/control/stats",  stats_reset },
};
/* clang-format on */

bool control_serve(struct exchange *ex, struct sf_httpd_req *req)
{
    struct sf_str path = sf_httpd_path(req), method = sf_httpd_method(req);

    if (!sf_str_starts(path, SF_STR("/control/")))
        return false;
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (sf_str_eq(path, sf_str_from(routes[i].path)) &&
            sf_str_eq(method, sf_str_from(routes[i].method))) {
            routes[i].serve(ex, req);
            return true;
        }
    }
    sf_buf_add_lit(&ex->out, "{\"error\":\"expected GET, POST or DELETE /control/faults, "
                             "GET or POST /control/clock, GET or DELETE "
                             "/control/stats\"}");
    reply(ex, req, 404);
    return true;
}

/* What every request has in common: route, budget, headers, errors. */
#include "control.h"
#include "faults.h"
#include "live.h"
#include "params.h"

#include <sf/time.h>

#include <stdarg.h>
#include <stdio.h>

static void ping_serve(struct call *call)
{
    sf_buf_add_lit(&call->ex->out, "{}");
}

static void time_serve(struct call *call)
{
    sf_buf_addf(&call->ex->out, "{\"serverTime\":%lld}", (long long)call->now_ms);
}

/* Weights: Binance's rest-api.md. A new endpoint is a row. */
/* clang-format off */
static const struct {
    const char *path;
    int64_t weight; /* 0: depth's, by its limit */
    void (*serve)(struct call *call);
    const char *params;
} routes[] = {
    { "/api/v3/ping",         1,  ping_serve,   "" },
    { "/api/v3/time",         1,  time_serve,   "" },
    { "/api/v3/exchangeInfo", 20, info_serve,   "symbol symbols" },
    { "/api/v3/klines",       2,  klines_serve, "symbol interval startTime endTime timeZone limit" },
    { "/api/v3/aggTrades",    4,  agg_trades_serve, "symbol fromId startTime endTime limit" },
    { "/api/v3/trades",       25, trades_serve, "symbol limit" },
    { "/api/v3/historicalTrades", 25, trades_serve, "symbol limit fromId" },
    { "/api/v3/depth",        0,  depth_serve,  "symbol limit symbolStatus" },
};
/* clang-format on */
#define ROUTES_N (sizeof(routes) / sizeof(routes[0]))

bool call_fail(struct call *call, int status, int code, const char *fmt, ...)
{
    char text[512];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    sf_buf_clear(&call->ex->out);
    sf_buf_addf(&call->ex->out, "{\"code\":%d,\"msg\":\"", code);
    sf_buf_add_json(&call->ex->out, sf_str_from(text));
    sf_buf_add_lit(&call->ex->out, "\"}");
    call->status = status;
    return false;
}

static void refuse(struct call *call, int status, int64_t wait_ms)
{
    const struct exchange *ex = call->ex;
    int64_t until_ms = call->now_ms + wait_ms;

    if (status == 418)
        (void)call_fail(
            call, 418, -1003,
            "Way too much request weight used; IP banned until %lld. Please use "
            "WebSocket Streams for live updates to avoid bans.",
            (long long)until_ms);
    else
        (void)call_fail(
            call, 429, -1003,
            "Too much request weight used; current limit is %lld request weight "
            "per 1 MINUTE. Please use WebSocket Streams for live updates to "
            "avoid polling the API.",
            (long long)ex->budget.weight_limit);
}

static void send_answer(struct call *call, int64_t wait_ms, const char *type)
{
    struct exchange *ex = call->ex;
    char used[24], date[SF_TIME_HTTP_SIZE], wait[24];
    const char *headers[] = { "Date",
                              sf_time_http(call->now_ms, date),
                              "X-MBX-USED-WEIGHT",
                              used,
                              "X-MBX-USED-WEIGHT-1M",
                              used,
                              "Cache-Control",
                              "no-cache",
                              NULL,
                              wait,
                              NULL };
    struct sf_httpd_answer answer = { .status = call->status,
                                      .content_type = type,
                                      .headers = headers };

    (void)snprintf(used, sizeof(used), "%lld", (long long)ex->budget.used);
    if (wait_ms > 0) {
        (void)snprintf(wait, sizeof(wait), "%lld", (long long)((wait_ms + 999) / 1000));
        headers[8] = "Retry-After";
    }
    answer.body = sf_buf_str(&ex->out);
    if (sf_buf_status(&ex->out, NULL) != SF_OK)
        answer = (struct sf_httpd_answer){ .status = 500 };
    if (answer.status == 200)
        ex->stats.ok++;
    else if (answer.status == 429)
        ex->stats.refused_429++;
    else if (answer.status == 418)
        ex->stats.refused_418++;
    else
        ex->stats.other++;
    faults_shape(ex->faults, call, &answer);
    sf_httpd_reply(call->req, &answer);
}

/* Answer as @fault says. Returns the wait to announce, and the content type. */
static int64_t serve_fault(struct call *call, const struct fault *fault,
                           const char **ret_type)
{
    int64_t wait_ms = fault->retry_after_s * 1000;

    call->ex->stats.faults++;
    switch (fault->kind) {
    case FAULT_418:
        budget_ban(&call->ex->budget, wait_ms, sf_time_now_ms());
        refuse(call, 418, wait_ms);
        return wait_ms;
    case FAULT_429:
        refuse(call, 429, wait_ms);
        return wait_ms;
    case FAULT_HTML:
        sf_buf_add_lit(&call->ex->out, "<html><head><title>Error</title></head><body>"
                                       "<h1>The request could not be satisfied</h1>"
                                       "</body></html>\n");
        call->status = (int)fault->status;
        *ret_type = "text/html";
        return 0;
    case FAULT_5XX:
    case FAULT_CUT:
    case FAULT_SLOW:
    case FAULT_DELAY:
    case FAULT_MISSING:
    case FAULT_DUPLICATES:
    case FAULT_CLOCK:
    case FAULT_WS_CUT:
    case FAULT_WS_CUT_MID:
    case FAULT_WS_DROP:
    case FAULT_WS_DUPLICATE:
    case FAULT_WS_REORDER:
    case FAULT_WS_CORRUPT:
    case FAULT_WS_DELAY:
    case FAULT_WS_SHUTDOWN:
    case FAULT_WS_ROLL:
    case FAULT_WS_REFUSE:
    case FAULT_KINDS_N:
        break;
    }
    (void)call_fail(call, (int)fault->status, -1001,
                    "Internal error; unable to process your request. Please try again.");
    return 0;
}

/* The path as a route's index, or ROUTES_N. */
static size_t find_route(struct sf_str path)
{
    size_t i = 0;

    while (i < ROUTES_N && !sf_str_eq(path, sf_str_from(routes[i].path)))
        i++;
    return i;
}

/* As a page for who accepts one (CHANGELOG of 2023-12-04), else as Spring's error body.
 */
static void serve_unknown(struct call *call, const char **ret_type)
{
    struct sf_buf *b = &call->ex->out;

    sf_buf_clear(b);
    call->status = 404;
    if (sf_str_contains(sf_httpd_header(call->req, "Accept"), SF_STR("text/html"))) {
        *ret_type = "text/html";
        sf_buf_add_lit(b,
                       "<html><head><title>404 Not Found</title></head>"
                       "<body><center><h1>404 Not Found</h1></center></body></html>\n");
        return;
    }
    sf_buf_addf(b,
                "{\"timestamp\":%lld,\"status\":404,\"error\":\"Not Found\","
                "\"message\":\"No message available\",\"path\":\"",
                (long long)call->now_ms);
    sf_buf_add_json(b, sf_httpd_path(call->req));
    sf_buf_add_lit(b, "\"}");
}

static void serve(struct call *call)
{
    struct exchange *ex = call->ex;
    size_t route = find_route(sf_httpd_path(call->req));
    struct sf_str method = sf_httpd_method(call->req);
    int64_t weight, wait_ms = 0;
    const struct fault *fault = NULL;
    const char *type = NULL;
    bool is_read = false;
    int verdict;

    if (route < ROUTES_N)
        is_read = params_read(call, routes[route].params);
    weight = route < ROUTES_N ? routes[route].weight : 1;
    if (weight == 0)
        weight = depth_weight(call);
    ex->stats.requests++;
    ex->stats.weight += weight;
    verdict = budget_take(&ex->budget, weight, sf_time_now_ms(), &wait_ms);
    if (verdict == 200)
        fault = faults_answer(ex->faults, call);
    if (verdict != 200) {
        refuse(call, verdict, wait_ms);
    } else if (fault) {
        sf_buf_clear(&ex->out);
        call->status = 200;
        wait_ms = serve_fault(call, fault, &type);
    } else if (route == ROUTES_N) {
        serve_unknown(call, &type);
    } else if (!sf_str_eq(method, SF_STR("GET")) && !sf_str_eq(method, SF_STR("HEAD"))) {
        (void)call_fail(call, 405, -1000, "Request method is not supported.");
    } else if (is_read) {
        routes[route].serve(call);
    }
    send_answer(call, wait_ms, type);
}

void rest_on_request(void *arg, struct sf_httpd_req *req)
{
    struct exchange *ex = arg;
    struct call call = { .ex = ex, .req = req, .status = 200 };

    call.now_ms = exchange_now_ms(ex);
    sf_buf_clear(&ex->out);
    if (!control_serve(ex, req) && !live_serve(ex->live, req))
        serve(&call);
}

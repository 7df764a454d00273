/* The client: which coordinator, which credentials. */
#include "arango_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#define URLS_MAX   ((size_t)8192) /* of ARANGO_URL and of one address */
#define UNTRIED_MS 50             /* to the next coordinator, at most */

/* ------------------------------------------------------------------- coordinators */

static unsigned count_parts(const char *list)
{
    unsigned n = 1;

    for (const char *p = list; *p; p++)
        n += *p == ',' ? 1 : 0;
    return n;
}

/* Cut a->urls at its commas; white space and slashes at the ends do not count. */
static enum sf_status split_urls(struct sf_arango *a, struct sf_error *err)
{
    char *rest = a->urls;

    while (rest) {
        char *comma = strchr(rest, ',');
        struct sf_str part =
            sf_str_trim(sf_str_make(rest, comma ? (size_t)(comma - rest) : strlen(rest)));

        while (part.len > 0 && part.p[part.len - 1] == '/')
            part.len--;
        if (part.len > 0) {
            char *begin = rest + (part.p - rest);

            begin[part.len] = '\0'; /* the comma, a blank, a slash, or the end */
            a->endpoints[a->endpoints_n++] = begin;
        }
        rest = comma ? comma + 1 : NULL;
    }
    if (a->endpoints_n == 0)
        return sf_error_set(err, SF_EINVAL, "ARANGO_URL='%s': expected http://host:port",
                            a->conf->arango_url);
    return SF_OK;
}

static enum sf_status init_urls(struct sf_arango *a, struct sf_error *err)
{
    const char *list = a->conf->arango_url;
    struct sf_buf path;

    a->urls = sf_str_dup(sf_str_from(list));
    a->endpoints = calloc(count_parts(list), sizeof(*a->endpoints));
    sf_buf_init(&path, URLS_MAX);
    sf_buf_add_lit(&path, "/_db/");
    sf_buf_add_url(&path, sf_str_from(a->conf->arango_db));
    a->db_path = sf_buf_take(&path);
    if (!a->urls || !a->endpoints || !a->db_path)
        return sf_error_set(err, SF_ENOMEM, "no memory for the addresses of ArangoDB");
    return split_urls(a, err);
}

void arango_next(struct sf_arango *a, const struct arango_ticket *ticket)
{
    if (ticket->endpoint == a->at)
        a->at = (a->at + 1) % a->endpoints_n;
}

static int64_t random_below(int64_t n)
{
    uint32_t r = 0;

    if (n <= 0 || getrandom(&r, sizeof(r), 0) != sizeof(r))
        return 0;
    return (int64_t)(r % (uint64_t)n);
}

int64_t arango_backoff_ms(const struct sf_arango *a, unsigned failures, int64_t base_ms)
{
    unsigned rounds = failures / a->endpoints_n;
    int64_t wait_ms = base_ms;

    if (failures % a->endpoints_n != 0)
        return random_below(UNTRIED_MS);
    while (rounds-- > 1 && wait_ms < ARANGO_BACKOFF_MAX)
        wait_ms *= 2;
    if (wait_ms > ARANGO_BACKOFF_MAX)
        wait_ms = ARANGO_BACKOFF_MAX;
    return wait_ms / 2 + random_below(wait_ms / 2 + 1);
}

/* --------------------------------------------------------------------------- sending */

enum sf_status arango_send(struct sf_arango *a, const struct arango_call *call,
                           struct arango_ticket *ret_ticket, struct sf_error *err)
{
    struct arango_ticket ticket = { .endpoint = a->at, .login = a->login };
    struct sf_http_request req = {
        .method = call->method,
        .body = call->body,
        .body_is_lent = true,
        .timeout_ms = a->conf->arango_timeout_ms,
        .fn = call->fn,
        .arg = call->arg,
    };
    struct sf_buf url;
    unsigned headers_n = 0;
    enum sf_status status;

    if (a->login_err.status == SF_EAUTH)
        return sf_error_set(err, SF_EAUTH, "%s", a->login_err.text);
    if (a->needs_jwt && !a->auth) {
        arango_login(a);
        return sf_error_set(err, SF_EBUSY, "%s",
                            a->login_err.status != SF_OK ? a->login_err.text
                                                         : "logging in");
    }
    if (a->auth)
        req.headers[headers_n++] = a->auth;
    if (call->body.len > 0)
        req.headers[headers_n++] = "Content-Type: application/json";
    sf_buf_init(&url, URLS_MAX);
    sf_buf_add_str(&url, sf_str_from(a->endpoints[a->at]));
    sf_buf_add_str(&url, sf_str_from(call->path));
    status = sf_buf_status(&url, err);
    req.url = sf_buf_cstr(&url);
    if (status == SF_OK)
        status = sf_http_send(a->http, &req, &ticket.id, err);
    if (status == SF_OK)
        *ret_ticket = ticket;
    sf_buf_release(&url);
    return status;
}

/* ------------------------------------------------------------------------------ life */

enum sf_status sf_arango_create(struct sf_loop *loop, const struct sf_conf *conf,
                                struct sf_arango **ret_arango, struct sf_error *err)
{
    struct sf_arango *a = calloc(1, sizeof(*a));
    struct sf_http_opts opts = {
        .ca_path =
            conf->arango_ca_path && conf->arango_ca_path[0] ? conf->arango_ca_path : NULL,
        .body_max = ARANGO_BODY_MAX,
        /* the lanes of the data, one for each ledger collection, one to log in */
        .connections_max = (unsigned)conf->arango_lanes + 3,
    };
    enum sf_status status;

    if (!a)
        return sf_error_set(err, SF_ENOMEM, "no memory for the ArangoDB client");
    a->loop = loop;
    a->conf = conf;
    status = init_urls(a, err);
    if (status == SF_OK)
        status = arango_auth_init(a, err);
    if (status == SF_OK)
        status = sf_http_create(loop, &opts, &a->http, err);
    if (status != SF_OK) {
        sf_arango_destroy(a);
        return status;
    }
    *ret_arango = a;
    return SF_OK;
}

void sf_arango_destroy(struct sf_arango *a)
{
    if (!a)
        return;
    sf_http_destroy(a->http);
    arango_auth_release(a);
    free(a->db_path);
    free(a->endpoints);
    free(a->urls);
    free(a);
}

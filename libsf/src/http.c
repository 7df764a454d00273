/* libcurl's multi interface driven by the loop: it names sockets (a watch each) and one
 * timer. Callbacks of requests run from the loop only, after libcurl has returned.
 * Source: libcurl, "multi socket" interface (CURLMOPT_SOCKETFUNCTION,
 * CURLMOPT_TIMERFUNCTION). */
#include <sf/http.h>
#include <sf/time.h>

#include <curl/curl.h>

#include <stdlib.h>
#include <string.h>

#define CONNECT_TIMEOUT_MS 10000
#define TIMEOUT_MS         30000
#define BODY_MAX           ((size_t)64 * 1024 * 1024)
#define CONNECTIONS_MAX    8
#define RECEIVE_BYTES      (128 * 1024) /* libcurl's read buffer: a page in two reads */
#define IDLE_MAX           16           /* easy handles kept for reuse */

struct job {
    struct sf_http *http;
    struct job *prev, *next;
    CURL *easy;
    uint64_t id;
    struct curl_slist *headers;
    char *body; /* a copy, or NULL */
    int64_t begun_us;
    sf_http_fn fn;
    void *arg;
    struct sf_http_answer answer;
    char why[CURL_ERROR_SIZE];
};

struct sf_http {
    struct sf_loop *loop;
    CURLM *multi;
    struct sf_timer *timer;
    char *ca_path;
    int64_t connect_timeout_ms;
    size_t body_max;
    struct job *jobs;
    size_t jobs_n;
    uint64_t last_id;
    CURL *idle[IDLE_MAX];
    size_t idle_n;
};

/* ------------------------------------------------------------------- libcurl's hooks */

static void finish_done(struct sf_http *http);

static void on_socket(void *arg, int fd, unsigned events)
{
    struct sf_http *http = arg;
    int mask = (events & SF_READABLE ? CURL_CSELECT_IN : 0) |
               (events & SF_WRITABLE ? CURL_CSELECT_OUT : 0);
    int running;

    (void)curl_multi_socket_action(http->multi, fd, mask, &running);
    finish_done(http);
}

static void on_timer(void *arg)
{
    struct sf_http *http = arg;
    int running;

    (void)curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    finish_done(http);
}

static int want_socket(CURL *easy, curl_socket_t fd, int what, void *arg,
                       void *socket_arg)
{
    struct sf_http *http = arg;
    struct sf_watch *watch = socket_arg;
    unsigned events = (what & CURL_POLL_IN ? SF_READABLE : 0u) |
                      (what & CURL_POLL_OUT ? SF_WRITABLE : 0u);

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        sf_watch_stop(watch);
        (void)curl_multi_assign(http->multi, fd, NULL);
        return 0;
    }
    if (watch) {
        sf_watch_change(watch, events);
        return 0;
    }
    /* Without a watch the transfer times out. Not -1: libcurl would give up the whole
     * multi handle for ever. */
    if (sf_watch_start(http->loop, fd, events, on_socket, http, &watch) == SF_OK)
        (void)curl_multi_assign(http->multi, fd, watch);
    return 0;
}

static int want_timer(CURLM *multi, long timeout_ms, void *arg)
{
    struct sf_http *http = arg;

    (void)multi;
    if (timeout_ms < 0)
        sf_timer_clear(http->timer);
    else
        sf_timer_set(http->timer, timeout_ms, 0);
    return 0;
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
    struct job *job = arg;

    sf_buf_add(&job->answer.body, p, size * n);
    return job->answer.body.status == SF_OK ? size * n : 0;
}

/* ------------------------------------------------------------------------ life cycle */

enum sf_status sf_http_create(struct sf_loop *loop, const struct sf_http_opts *opts,
                              struct sf_http **ret_http, struct sf_error *err)
{
    struct sf_http *http = calloc(1, sizeof(*http));
    long connections_max;

    if (!http)
        return sf_error_set(err, SF_ENOMEM, "no memory for the HTTP client");
    http->loop = loop;
    http->connect_timeout_ms =
        opts->connect_timeout_ms > 0 ? opts->connect_timeout_ms : CONNECT_TIMEOUT_MS;
    http->body_max = opts->body_max > 0 ? opts->body_max : BODY_MAX;
    http->multi = curl_multi_init();
    if (opts->ca_path && opts->ca_path[0])
        http->ca_path = sf_str_dup(sf_str_from(opts->ca_path));
    if (!http->multi || sf_timer_create(loop, on_timer, http, &http->timer) != SF_OK ||
        (opts->ca_path && opts->ca_path[0] && !http->ca_path)) {
        sf_http_destroy(http);
        return sf_error_set(err, SF_ENOMEM, "no memory for the HTTP client");
    }
    (void)curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
    (void)curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
    (void)curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, want_timer);
    (void)curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
    connections_max =
        (long)(opts->connections_max > 0 ? opts->connections_max : CONNECTIONS_MAX);
    (void)curl_multi_setopt(http->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections_max);
    /* all of them stay open; libcurl's own ceiling falls with the requests under way */
    (void)curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, connections_max);
    *ret_http = http;
    return SF_OK;
}

static void link_job(struct sf_http *http, struct job *job)
{
    job->next = http->jobs;
    if (job->next)
        job->next->prev = job;
    http->jobs = job;
    http->jobs_n++;
}

static void unlink_job(struct sf_http *http, struct job *job)
{
    if (job->prev)
        job->prev->next = job->next;
    else
        http->jobs = job->next;
    if (job->next)
        job->next->prev = job->prev;
    http->jobs_n--;
}

/* Of a job that is in no list. The handle keeps its connections and names for the next.
 */
static void free_job(struct job *job)
{
    struct sf_http *http = job->http;

    if (job->easy) {
        (void)curl_multi_remove_handle(http->multi, job->easy);
        curl_easy_reset(job->easy);
    }
    if (job->easy && http->idle_n < IDLE_MAX)
        http->idle[http->idle_n++] = job->easy;
    else
        curl_easy_cleanup(job->easy);
    curl_slist_free_all(job->headers);
    free(job->body);
    sf_buf_release(&job->answer.body);
    free(job);
}

void sf_http_destroy(struct sf_http *http)
{
    if (!http)
        return;
    while (http->jobs) {
        struct job *job = http->jobs;

        http->jobs = job->next;
        free_job(job);
    }
    while (http->idle_n > 0)
        curl_easy_cleanup(http->idle[--http->idle_n]);
    if (http->multi)
        (void)curl_multi_cleanup(http->multi);
    sf_timer_destroy(http->timer);
    free(http->ca_path);
    free(http);
}

/* ------------------------------------------------------------------------- requests */

/* "host:port" of @url: what an error may show of it, never what stands before an '@'. */
static struct sf_str host_of(const char *url)
{
    const char *begin = strstr(url, "://");
    struct sf_str host;

    begin = begin ? begin + 3 : url;
    host = sf_str_make(begin, strcspn(begin, "/?#"));
    for (size_t i = 0; i < host.len; i++)
        if (begin[i] == '@')
            host.p = begin + i + 1;
    host.len -= (size_t)(host.p - begin);
    return host;
}

static bool set_headers(struct job *job, const struct sf_http_request *req)
{
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");

    for (int i = 0; list && i < SF_HTTP_HEADERS_MAX && req->headers[i]; i++) {
        struct curl_slist *longer = curl_slist_append(list, req->headers[i]);

        if (!longer)
            curl_slist_free_all(list);
        list = longer;
    }
    job->headers = list;
    return list != NULL;
}

static bool set_body(struct job *job, const struct sf_http_request *req)
{
    const char *method = req->method ? req->method : "GET";
    bool has_body = req->body.len > 0 || strcmp(method, "POST") == 0 ||
                    strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0;

    if (strcmp(method, "HEAD") == 0)
        return curl_easy_setopt(job->easy, CURLOPT_NOBODY, 1L) == CURLE_OK;
    if (has_body && !req->body_is_lent && req->body.len > 0) {
        job->body = sf_str_dup(req->body);
        if (!job->body)
            return false;
    }
    if (has_body) {
        (void)curl_easy_setopt(job->easy, CURLOPT_POST, 1L);
        (void)curl_easy_setopt(job->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                               (curl_off_t)req->body.len);
        (void)curl_easy_setopt(job->easy, CURLOPT_POSTFIELDS,
                               job->body ? job->body : req->body.p);
    }
    return curl_easy_setopt(job->easy, CURLOPT_CUSTOMREQUEST, method) == CURLE_OK;
}

static bool set_options(struct job *job, const struct sf_http_request *req)
{
    const struct sf_http *http = job->http;
    CURL *easy = job->easy;
    int64_t timeout_ms = req->timeout_ms > 0 ? req->timeout_ms : TIMEOUT_MS;

    if (!set_headers(job, req) || !set_body(job, req) ||
        curl_easy_setopt(easy, CURLOPT_URL, req->url) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, job->headers) != CURLE_OK)
        return false;
    (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, job);
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, job);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, job->why);
    (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                           (long)http->connect_timeout_ms);
    (void)curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_BYTES);
    (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(easy, CURLOPT_USERAGENT, "streamforge/" SF_VERSION);
    (void)curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    if (http->ca_path)
        (void)curl_easy_setopt(easy, CURLOPT_CAINFO, http->ca_path);
    return true;
}

/* What libcurl would take and we do not: other protocols, and line breaks that would
 * begin another header. */
static enum sf_status check(const struct sf_http_request *req, struct sf_error *err)
{
    struct sf_str url = sf_str_from(req->url);

    if (!sf_str_starts(url, SF_STR("http://")) && !sf_str_starts(url, SF_STR("https://")))
        return sf_error_set(err, SF_EINVAL,
                            "%" SF_STR_FMT ": expected http://host or https://host",
                            SF_STR_ARG(host_of(req->url)));
    for (int i = 0; i < SF_HTTP_HEADERS_MAX && req->headers[i]; i++) {
        struct sf_str rest;
        struct sf_str name = sf_str_cut(sf_str_from(req->headers[i]), ':', &rest);

        if (strpbrk(req->headers[i], "\r\n"))
            return sf_error_set(err, SF_EINVAL, "%" SF_STR_FMT ": line break in a header",
                                SF_STR_ARG(name));
    }
    return SF_OK;
}

enum sf_status sf_http_send(struct sf_http *http, const struct sf_http_request *req,
                            uint64_t *ret_id, struct sf_error *err)
{
    struct job *job;

    if (check(req, err) != SF_OK)
        return SF_EINVAL;
    job = calloc(1, sizeof(*job));
    if (!job)
        return sf_error_set(err, SF_ENOMEM, "no memory for a request");
    job->http = http;
    job->id = ++http->last_id;
    job->fn = req->fn;
    job->arg = req->arg;
    job->begun_us = sf_mono_us();
    sf_buf_init(&job->answer.body, http->body_max);
    job->easy = http->idle_n > 0 ? http->idle[--http->idle_n] : curl_easy_init();
    if (!job->easy || !set_options(job, req) ||
        curl_multi_add_handle(http->multi, job->easy) != CURLM_OK) {
        free_job(job);
        return sf_error_set(err, SF_ENOMEM, "no memory for a request");
    }
    link_job(http, job);
    if (ret_id)
        *ret_id = job->id;
    return SF_OK;
}

void sf_http_cancel(struct sf_http *http, uint64_t id)
{
    for (struct job *job = http->jobs; job; job = job->next)
        if (job->id == id) {
            unlink_job(http, job);
            free_job(job);
            return;
        }
}

size_t sf_http_pending(const struct sf_http *http)
{
    return http->jobs_n;
}

/* -------------------------------------------------------------------------- answers */

static enum sf_status status_of(CURLcode rc)
{
    switch ((int)rc) { /* libcurl adds codes; the rest is transport */
    case CURLE_OPERATION_TIMEDOUT:
        return SF_ETIMEOUT;
    case CURLE_OUT_OF_MEMORY:
        return SF_ENOMEM;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CERTPROBLEM:
        return SF_EDENIED;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
        return SF_EINVAL;
    default:
        return SF_EIO;
    }
}

static void describe(struct job *job, CURLcode rc)
{
    struct sf_http_answer *a = &job->answer;
    const char *why = job->why[0] ? job->why : curl_easy_strerror(rc);
    char *url = NULL;
    long status = 0;
    struct sf_str host;

    if (rc == CURLE_OK) {
        (void)curl_easy_getinfo(job->easy, CURLINFO_RESPONSE_CODE, &status);
        a->status = (int)status;
        return;
    }
    (void)curl_easy_getinfo(job->easy, CURLINFO_EFFECTIVE_URL, &url);
    host = host_of(url ? url : "");
    if (a->body.status == SF_OK)
        (void)sf_error_set(&a->err, status_of(rc), "%" SF_STR_FMT ": %s",
                           SF_STR_ARG(host), why);
    else
        (void)sf_error_set(&a->err, a->body.status,
                           a->body.status == SF_ETOOBIG
                               ? "%" SF_STR_FMT ": the answer is over %zu bytes"
                               : "%" SF_STR_FMT ": no memory for %zu bytes at most",
                           SF_STR_ARG(host), job->http->body_max);
}

static void finish_one(struct sf_http *http, struct job *job, CURLcode rc)
{
    describe(job, rc);
    job->answer.took_us = sf_mono_us() - job->begun_us;
    job->answer.priv = job->easy;
    unlink_job(http, job); /* so that its callback cannot cancel it */
    job->fn(job->arg, &job->answer);
    free_job(job);
}

/* A callback may cancel others or send new ones: ask libcurl afresh after each. */
static void finish_done(struct sf_http *http)
{
    const CURLMsg *msg;
    int left;

    while ((msg = curl_multi_info_read(http->multi, &left))) {
        CURLcode rc = msg->data.result;
        char *job = NULL; /* as libcurl spells a pointer of ours */

        if (msg->msg == CURLMSG_DONE &&
            curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &job) == CURLE_OK)
            finish_one(http, (void *)job, rc);
    }
}

struct sf_str sf_http_header(const struct sf_http_answer *a, const char *name)
{
    struct curl_header *h = NULL;

    if (curl_easy_header((CURL *)a->priv, name, 0, CURLH_HEADER, -1, &h) != CURLHE_OK)
        return SF_STR_EMPTY;
    return sf_str_from(h->value);
}

void sf_http_take_body(struct sf_http_answer *a, struct sf_buf *to)
{
    size_t max = a->body.max;

    sf_buf_release(to);
    *to = a->body;
    sf_buf_init(&a->body, max);
}

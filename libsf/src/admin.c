#include <sf/admin.h>
#include <sf/httpd.h>
#include <sf/metrics.h>

#include <stdlib.h>

#define METRICS_MAX ((size_t)256 << 10) /* the table prints about 16 KiB */
#define WHY_MAX     2048

struct sf_admin {
    struct sf_httpd *httpd;
    const struct sf_conf *conf;
    sf_ready_fn ready;
    void *arg;
};

static void reply_ready(struct sf_admin *admin, struct sf_httpd_req *req)
{
    struct sf_buf why, body;
    bool is_ready;

    sf_buf_init(&why, WHY_MAX);
    sf_buf_init(&body, 8 * WHY_MAX);
    is_ready = !admin->ready || admin->ready(admin->arg, &why);
    sf_buf_addf(&body, "{\"status\":\"%s\"", is_ready ? "ready" : "not ready");
    if (!is_ready) {
        sf_buf_add_lit(&body, ",\"why\":\"");
        sf_buf_add_json(&body, sf_buf_str(&why));
        sf_buf_add_char(&body, '"');
    }
    sf_buf_add_lit(&body, "}\n");
    sf_httpd_reply_json(req, is_ready ? 200 : 503, sf_buf_str(&body));
    sf_buf_release(&body);
    sf_buf_release(&why);
}

static void reply_live(struct sf_admin *admin, struct sf_httpd_req *req)
{
    (void)admin; /* that the loop answers is the whole point */
    sf_httpd_reply_json(req, 200, SF_STR("{\"status\":\"live\"}\n"));
}

static void reply_metrics(struct sf_admin *admin, struct sf_httpd_req *req)
{
    struct sf_httpd_answer answer = { .status = 200,
                                      .content_type =
                                          "text/plain; version=0.0.4; charset=utf-8" };
    struct sf_buf b;

    sf_buf_init(&b, METRICS_MAX);
    sf_metrics_print(&b, sf_str_from(admin->conf->queue_id),
                     sf_str_from(admin->conf->subject));
    answer.body = sf_buf_str(&b);
    if (sf_buf_status(&b, NULL) != SF_OK)
        answer.status = 500;
    sf_httpd_reply(req, &answer);
    sf_buf_release(&b);
}

static const struct {
    const char *path;
    void (*reply)(struct sf_admin *admin, struct sf_httpd_req *req);
} routes[] = {
    { "/health/live", reply_live },
    { "/health/ready", reply_ready },
    { "/metrics", reply_metrics },
};

static void on_request(void *arg, struct sf_httpd_req *req)
{
    struct sf_str method = sf_httpd_method(req);

    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (!sf_str_eq(sf_httpd_path(req), sf_str_from(routes[i].path)))
            continue;
        if (sf_str_eq(method, SF_STR("GET")) || sf_str_eq(method, SF_STR("HEAD")))
            routes[i].reply(arg, req);
        else
            sf_httpd_reply_json(req, 405, SF_STR("{\"error\":\"GET only\"}\n"));
        return;
    }
    sf_httpd_reply_json(
        req, 404,
        SF_STR("{\"error\":\"expected /health/live, /health/ready or /metrics\"}\n"));
}

enum sf_status sf_admin_create(struct sf_loop *loop, const struct sf_conf *conf,
                               sf_ready_fn ready, void *arg, struct sf_admin **ret_admin,
                               struct sf_error *err)
{
    struct sf_admin *admin;
    struct sf_httpd_opts opts = { .listen = conf->admin_listen,
                                  .connections_max = 64, /* probes and a scraper */
                                  .body_max = 4096,
                                  .fn = on_request };
    enum sf_status rc;

    if (conf->admin_listen[0] == '\0') {
        *ret_admin = NULL;
        return SF_OK;
    }
    admin = calloc(1, sizeof(*admin));
    if (!admin)
        return sf_error_set(err, SF_ENOMEM, "no memory for the admin endpoint");
    *admin = (struct sf_admin){ .conf = conf, .ready = ready, .arg = arg };
    opts.arg = admin;
    rc = sf_httpd_create(loop, &opts, &admin->httpd, err);
    if (rc != SF_OK) {
        free(admin);
        return rc;
    }
    sf_log(SF_LOG_INFO, "admin_listening", SF_LOG_I("port", sf_httpd_port(admin->httpd)));
    *ret_admin = admin;
    return SF_OK;
}

void sf_admin_destroy(struct sf_admin *admin)
{
    if (!admin)
        return;
    sf_httpd_destroy(admin->httpd);
    free(admin);
}

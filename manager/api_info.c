/* Routes that tell about the manager itself: types, images, health, metrics, documents.
 */
#include "api.h"

#define TEXT_MAX ((size_t)1 << 20)

void api_types(struct manager *m, struct sf_httpd_req *req, struct queue *q)
{
    json_t *types = json_array();

    (void)m;
    (void)q;
    for (const struct sf_type *t = sf_types; t->name; t++) {
        json_t *intervals = json_array();

        for (const struct sf_interval *iv = sf_intervals; t->has_interval && iv->name;
             iv++)
            (void)json_array_append_new(intervals, json_string(iv->name));
        (void)json_array_append_new(
            types, json_pack("{s:s, s:s?, s:s, s:s, s:o, s:b, s:b, s:s}", "type", t->name,
                             "loader", t->loader, "connector", t->connector, "kind",
                             sf_kind_name(t->kind), "intervals", intervals,
                             "requires_time_range", t->has_range, "available",
                             t->is_available, "what", t->what));
    }
    api_reply(req, 200, json_pack("{s:o}", "types", types), NULL);
}

static void add_image(const struct manager *m, json_t *images, const char *image)
{
    char ref[SF_NAME_MAX + 1];
    struct sf_error err = { 0 };

    if (!image || json_object_get(images, image) ||
        sf_name_image(sf_str_from(m->conf.image_registry), sf_str_from(image),
                      sf_str_from(m->conf.image_tag), ref, &err) != SF_OK)
        return;
    (void)json_object_set_new(images, image, json_string(ref));
}

void api_images(struct manager *m, struct sf_httpd_req *req, struct queue *q)
{
    json_t *images = json_object();

    (void)q;
    for (const struct sf_type *t = sf_types; t->name; t++) {
        if (!t->is_available)
            continue;
        add_image(m, images, t->loader);
        add_image(m, images, t->connector);
    }
    api_reply(req, 200, json_pack("{s:o}", "images", images), NULL);
}

void api_document(struct manager *m, struct sf_httpd_req *req, struct queue *q)
{
    (void)q;
    api_reply(req, 200, api_openapi(m), NULL);
}

/* --------------------------------------------------------------------- health, metrics
 */

void api_live(struct manager *m, struct sf_httpd_req *req, struct queue *q)
{
    (void)m;
    (void)q;
    api_reply(req, 200, json_pack("{s:s}", "status", "live"), NULL);
}

void api_ready(struct manager *m, struct sf_httpd_req *req, struct queue *q)
{
    (void)q;
    if (m->is_started && !m->store_is_away)
        api_reply(req, 200, json_pack("{s:s}", "status", "ready"), NULL);
    else
        api_reply(req, 503,
                  json_pack("{s:s, s:s}", "status", "not ready", "why",
                            m->is_started ? "the database is away" : "starting"),
                  NULL);
}

void api_metrics(struct manager *m, struct sf_httpd_req *req, struct queue *q)
{
    const struct {
        const char *name;
        int64_t n;
    } counters[] = {
        { "manager_requests_total", m->n.requests },
        { "manager_requests_refused_total", m->n.refused },
        { "manager_members_started_total", m->n.starts },
        { "manager_members_restarted_total", m->n.restarts },
        { "manager_events_total", m->n.events },
        { "manager_commands_total", m->n.commands },
    };
    struct sf_httpd_answer answer = { .status = 200,
                                      .content_type =
                                          "text/plain; version=0.0.4; charset=utf-8" };
    int64_t of_status[STATUS_N] = { 0 };
    struct sf_buf b;

    (void)q;
    sf_buf_init(&b, TEXT_MAX);
    for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
        sf_buf_addf(&b, "# TYPE %s counter\n%s %lld\n", counters[i].name,
                    counters[i].name, (long long)counters[i].n);
    for (size_t i = 0; i < m->queues_n; i++)
        of_status[m->queues[i]->status]++;
    sf_buf_add_lit(&b, "# TYPE manager_queues gauge\n");
    for (int s = 0; s < STATUS_N; s++)
        sf_buf_addf(&b, "manager_queues{status=\"%s\"} %lld\n",
                    status_name((enum status)s), (long long)of_status[s]);
    sf_buf_addf(&b, "# TYPE manager_followers gauge\nmanager_followers %zu\n", m->live_n);
    answer.body = sf_buf_str(&b);
    sf_httpd_reply(req, &answer);
    sf_buf_release(&b);
}

/* ------------------------------------------------------------------------------- /docs
 */

static void print_route(struct sf_buf *b, const struct api_route *r)
{
    static const char *const roles[] = { "open", "read", "operate" };

    sf_buf_addf(b, "<h2><code>%s %s</code></h2><p>%s <i>(role: %s)</i></p><ul>",
                r->method, r->path, r->what, roles[r->role]);
    for (const struct api_param *p = r->params; p->name; p++)
        sf_buf_addf(b, "<li><code>%s</code>%s: %s</li>", p->name,
                    p->is_header ? " (header)" : "", p->what);
    sf_buf_add_lit(b, "</ul>");
    if (!r->has_body)
        return;
    sf_buf_add_lit(b, "<table><tr><th>field<th>what<th>example</tr>");
    for (size_t i = 0; i < FIELDS_N; i++)
        sf_buf_addf(b, "<tr><td><code>%s</code><td>%s<td><code>%s</code></tr>",
                    fields[i].name, fields[i].what,
                    fields[i].example ? fields[i].example : "");
    sf_buf_add_lit(b, "</table>");
}

void api_docs(struct manager *m, struct sf_httpd_req *req, struct queue *q)
{
    struct sf_httpd_answer answer = { .status = 200,
                                      .content_type = "text/html; charset=utf-8" };
    struct sf_buf b;

    (void)m;
    (void)q;
    sf_buf_init(&b, TEXT_MAX);
    sf_buf_add_lit(&b,
                   "<!doctype html><html lang=en><meta charset=utf-8><title>queue-manager"
                   "</title><h1>queue-manager " SF_VERSION
                   "</h1><p>The same for programs: <a href=openapi.json>openapi.json"
                   "</a>.</p>");
    for (const struct api_route *r = api_routes; r->method; r++)
        print_route(&b, r);
    sf_buf_add_lit(&b, "</html>\n");
    answer.body = sf_buf_str(&b);
    sf_httpd_reply(req, &answer);
    sf_buf_release(&b);
}

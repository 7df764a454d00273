/* The HTTP API: one table of routes from which dispatch, OpenAPI and /docs are made.
 * Loop thread only. */
#ifndef MANAGER_API_H
#define MANAGER_API_H

#include "manager.h"

enum api_role {
    API_OPEN,    /* no token: health */
    API_READ,    /* MANAGER_READ_TOKEN or MANAGER_TOKEN */
    API_OPERATE, /* MANAGER_TOKEN */
};

struct api_param {
    const char *name, *what;
    bool is_header; /* else of the query */
};

#define API_PARAMS_MAX   8
#define API_STATUSES_MAX 12

/* What is asked for. @q: of {queue_id} in the path, else NULL. */
typedef void (*api_fn)(struct manager *m, struct sf_httpd_req *req, struct queue *q);

struct api_route {
    const char *method, *path; /* may hold one {queue_id} */
    enum api_role role;
    const char *name, *what;
    api_fn fn;
    struct api_param params[API_PARAMS_MAX];
    bool has_body;                  /* a request to start */
    const char *answers;            /* content type of 2xx; NULL: JSON */
    int statuses[API_STATUSES_MAX]; /* that only it answers, 0 at the end */
};
extern const struct api_route api_routes[]; /* method NULL at the end */

/* The handler for sf_httpd_create; @arg is the manager. */
void api_on_request(void *arg, struct sf_httpd_req *req);

/* @body: taken over. @headers: as those of sf_httpd_answer, or NULL. */
void api_reply(struct sf_httpd_req *req, int status, json_t *body,
               const char *const *headers);
/* 200 with an ETag of the text of @body (taken over), or 304 to who has it already. */
void api_reply_tagged(struct sf_httpd_req *req, json_t *body);
/* @errors: taken over; NULL for none. */
void api_refuse(struct sf_httpd_req *req, int status, const char *detail, json_t *errors);
/* The JSON body, or NULL: answered. */
json_t *api_body(struct sf_httpd_req *req);
/* A parameter of the query, decoded, to @dst; false: absent. Too long or not decodable:
 * an empty text. */
bool api_param(const struct sf_httpd_req *req, const char *name, char *dst, size_t size);
/* The same as an integer in [@min, @max]; @initial when absent. False: answered. */
bool api_param_int(struct sf_httpd_req *req, const char *name, int64_t min, int64_t max,
                   int64_t initial, int64_t *ret_n);

/* OpenAPI 3.1 of the table. NULL: out of memory. */
json_t *api_openapi(const struct manager *m);

/* start.c */
void api_start(struct manager *m, struct sf_httpd_req *req, struct queue *q);
/* api_queues.c */
void api_list(struct manager *m, struct sf_httpd_req *req, struct queue *q);
void api_show(struct manager *m, struct sf_httpd_req *req, struct queue *q);
void api_events(struct manager *m, struct sf_httpd_req *req, struct queue *q);
void api_logs(struct manager *m, struct sf_httpd_req *req, struct queue *q);
void api_stop(struct manager *m, struct sf_httpd_req *req, struct queue *q);
void api_stop_all(struct manager *m, struct sf_httpd_req *req, struct queue *q);
void api_pause(struct manager *m, struct sf_httpd_req *req, struct queue *q);
void api_resume(struct manager *m, struct sf_httpd_req *req, struct queue *q);
void api_ping(struct manager *m, struct sf_httpd_req *req, struct queue *q);
void api_delete(struct manager *m, struct sf_httpd_req *req, struct queue *q);
/* live.c */
void api_ws_events(struct manager *m, struct sf_httpd_req *req, struct queue *q);
void api_sse_events(struct manager *m, struct sf_httpd_req *req, struct queue *q);
/* api_info.c */
void api_types(struct manager *m, struct sf_httpd_req *req, struct queue *q);
void api_images(struct manager *m, struct sf_httpd_req *req, struct queue *q);
void api_document(struct manager *m, struct sf_httpd_req *req, struct queue *q);
void api_docs(struct manager *m, struct sf_httpd_req *req, struct queue *q);
void api_live(struct manager *m, struct sf_httpd_req *req, struct queue *q);
void api_ready(struct manager *m, struct sf_httpd_req *req, struct queue *q);
void api_metrics(struct manager *m, struct sf_httpd_req *req, struct queue *q);

#endif

/* Requests to the manager, one at a time. */
#include "sfctl.h"

#include <stdio.h>

#define ANSWER_MAX ((size_t)64 << 20) /* a page of 1000 queues is 3 MiB */
#define TIMEOUT_MS 60000L

bool client_open(struct ctl *c)
{
    c->curl = curl_easy_init();
    if (!c->curl)
        (void)fputs("sfctl: out of memory\n", stderr);
    return c->curl != NULL;
}

void client_close(struct ctl *c)
{
    curl_easy_cleanup(c->curl);
    c->curl = NULL;
}

void answer_release(struct answer *a)
{
    sf_buf_release(&a->text);
    json_decref(a->json);
    a->json = NULL;
}

static size_t on_bytes(char *p, size_t size, size_t n, void *arg)
{
    struct answer *a = arg;

    sf_buf_add(&a->text, p, size * n);
    return a->text.status == SF_OK ? size * n : 0;
}

static bool add_header(struct curl_slist **headers, const char *text)
{
    struct curl_slist *grown = curl_slist_append(*headers, text);

    if (grown)
        *headers = grown;
    return grown != NULL;
}

static bool make_headers(const struct ctl *c, bool has_body, struct curl_slist **ret)
{
    char line[8192];
    bool is_good = true;

    if (c->token && c->token[0]) {
        (void)snprintf(line, sizeof(line), "Authorization: Bearer %s", c->token);
        is_good = add_header(ret, line);
    }
    if (c->key && has_body) {
        (void)snprintf(line, sizeof(line), "Idempotency-Key: %s", c->key);
        is_good = is_good && add_header(ret, line);
    }
    if (has_body)
        is_good = is_good && add_header(ret, "Content-Type: application/json");
    return is_good;
}

/* A proxy of the environment must not see the token: none is asked. */
static void set_options(const struct ctl *c, const char *method, const char *body,
                        struct answer *a)
{
    CURL *curl = c->curl;

    curl_easy_reset(curl);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, a);
    if (c->ca_path && c->ca_path[0])
        (void)curl_easy_setopt(curl, CURLOPT_CAINFO, c->ca_path);
    if (body) {
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                               (curl_off_t)strlen(body));
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    } else if (strcmp(method, "POST") == 0) {
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, 0L);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "");
    }
    (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
}

static void add_member(struct sf_buf *b, const char *before, const json_t *entry,
                       const char *name)
{
    const json_t *value = json_object_get(entry, name);

    if (!value)
        return;
    sf_buf_add_str(b, sf_str_from(before));
    if (json_is_array(value) || json_is_object(value))
        print_json(b, value);
    else
        print_scalar(b, value);
}

/* An RFC 9457 problem, one line a field. */
static void tell_problem(const struct ctl *c, const struct answer *a)
{
    const json_t *entry;
    struct sf_buf b;
    size_t i;

    sf_buf_init(&b, ANSWER_MAX);
    if (c->is_json && a->json) {
        print_json(&b, a->json);
        sf_buf_add_char(&b, '\n');
    } else {
        sf_buf_addf(&b, "sfctl: HTTP %ld", a->status);
        add_member(&b, " ", a->json, "title");
        add_member(&b, ": ", a->json, "detail");
        sf_buf_add_char(&b, '\n');
        json_array_foreach(json_object_get(a->json, "errors"), i, entry)
        {
            add_member(&b, "  ", entry, "pointer");
            add_member(&b, ": ", entry, "detail");
            add_member(&b, "; given ", entry, "value");
            add_member(&b, "; did you mean ", entry, "nearest");
            sf_buf_add_char(&b, '\n');
        }
    }
    (void)fwrite(sf_buf_cstr(&b), 1, b.len, stderr);
    sf_buf_release(&b);
}

int client_call(struct ctl *c, const char *method, const char *path, const char *body,
                struct answer *ret)
{
    struct answer a = { .status = 0 };
    char reason[CURL_ERROR_SIZE] = "";
    struct curl_slist *headers = NULL;
    int code = CTL_AWAY;
    CURLcode rc = CURLE_OUT_OF_MEMORY;
    struct sf_buf url;

    sf_buf_init(&url, 65536);
    sf_buf_init(&a.text, ANSWER_MAX);
    sf_buf_add_str(&url, sf_str_from(c->url));
    while (url.len > 0 && url.p[url.len - 1] == '/')
        url.len--;
    sf_buf_add_str(&url, sf_str_from(path));
    set_options(c, method, body, &a);
    (void)curl_easy_setopt(c->curl, CURLOPT_ERRORBUFFER, reason);
    if (make_headers(c, body != NULL, &headers)) {
        (void)curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
        (void)curl_easy_setopt(c->curl, CURLOPT_URL, sf_buf_cstr(&url));
        rc = curl_easy_perform(c->curl);
        (void)curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &a.status);
    }
    a.json = json_loadb(sf_buf_cstr(&a.text), a.text.len, JSON_DECODE_ANY, NULL);
    if (rc != CURLE_OK)
        (void)fprintf(stderr, "sfctl: no answer of %s: %s\n", c->url,
                      reason[0] ? reason : curl_easy_strerror(rc));
    else if (a.status >= 200 && a.status < 300)
        code = CTL_DONE;
    else
        code = CTL_REFUSED;
    if (code == CTL_REFUSED)
        tell_problem(c, &a);
    (void)curl_easy_setopt(c->curl, CURLOPT_ERRORBUFFER, NULL);
    curl_slist_free_all(headers);
    sf_buf_release(&url);
    if (code == CTL_DONE)
        *ret = a;
    else
        answer_release(&a);
    return code;
}

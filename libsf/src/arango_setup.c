/* The blocking steps before the first document: database, collection, indexes, rights.
 *
 * Each looks first and creates what is missing; "exists already" (1207) means that
 * another process was faster and is as good. A user without rights on a database gets the
 * same 401/11 as a wrong password; POST /_open/auth tells the two apart. */
#include "arango_internal.h"

#include <jansson.h>

#include <stdio.h>

#define PATH_MAX_B ((size_t)4096) /* of a path or a body of ours */

/* A final answer that is not good as an error. @what was tried. */
static enum sf_status refusal(const struct arango_step *s, const char *what,
                              struct sf_error *err)
{
    bool is_denied = s->verdict.class == ARANGO_AUTH || s->verdict.class == ARANGO_DENIED;
    enum sf_status status = is_denied                         ? SF_EDENIED
                            : s->verdict.class == ARANGO_GONE ? SF_ENOTFOUND
                                                              : SF_EREFUSED;

    (void)arango_verdict_error(&s->verdict, what, status, err);
    if (is_denied)
        (void)sf_error_wrap(err, "user ARANGO_USER='%s' has not the rights",
                            s->a->conf->arango_user);
    return status;
}

/* -------------------------------------------------------------------------- database */

static void note_version(struct sf_arango *a, struct sf_str body)
{
    json_t *root = json_loadb(body.p, body.len, 0, NULL);
    struct sf_str rest, minor,
        text = sf_str_from(json_string_value(json_object_get(root, "version")));
    struct sf_str major = sf_str_cut(text, '.', &rest);
    int64_t major_n, minor_n;

    minor = sf_str_cut(rest, '.', &rest);
    if (sf_str_to_i64(major, &major_n) == SF_OK &&
        sf_str_to_i64(minor, &minor_n) == SF_OK && major_n > 0 && major_n < 1000 &&
        minor_n >= 0 && minor_n < 100)
        a->version = (int)(100 * major_n + minor_n);
    json_decref(root);
}

/* After a 401: SF_EAUTH when the password is wrong, SF_OK when only rights are missing.
 * With a token the login itself has proved the password. */
static enum sf_status check_password(struct arango_step *s, struct sf_error *err)
{
    struct sf_buf path, body;
    enum sf_status status;

    if (s->a->needs_jwt)
        return SF_OK;
    sf_buf_init(&path, PATH_MAX_B);
    sf_buf_init(&body, PATH_MAX_B);
    sf_buf_add_lit(&path, "/_open/auth");
    arango_credentials(s->a->conf, &body);
    status = sf_buf_status(&body, err);
    if (status == SF_OK)
        status = arango_ask(s, "POST", &path, sf_buf_str(&body), err);
    if (status == SF_OK && s->verdict.class != ARANGO_OK)
        status = arango_refused_login(s->a, &s->verdict, err);
    sf_buf_release(&path);
    sf_buf_release(&body);
    return status;
}

static enum sf_status create_database(struct arango_step *s, struct sf_error *err)
{
    const char *name = s->a->conf->arango_db;
    struct sf_buf path, body;
    enum sf_status status;

    if (!s->a->conf->arango_create)
        return sf_error_set(err, SF_ENOTFOUND,
                            "database ARANGO_DB='%s' does not exist, or this user has no "
                            "rights on it, and ARANGO_CREATE is off",
                            name);
    sf_buf_init(&path, PATH_MAX_B);
    sf_buf_init(&body, PATH_MAX_B);
    sf_buf_add_lit(&path, "/_db/_system/_api/database");
    sf_buf_add_lit(&body, "{\"name\":\"");
    sf_buf_add_json(&body, sf_str_from(name));
    sf_buf_add_lit(&body, "\"}");
    status = sf_buf_status(&body, err);
    if (status == SF_OK)
        status = arango_ask(s, "POST", &path, sf_buf_str(&body), err);
    if (status == SF_OK && s->verdict.class != ARANGO_OK && s->verdict.error_num != 1207)
        status = refusal(s, "create database ARANGO_DB, or use it", err);
    sf_buf_release(&path);
    sf_buf_release(&body);
    return status;
}

enum sf_status sf_arango_ensure_database(struct sf_arango *a, struct sf_error *err)
{
    struct arango_step s;
    struct sf_buf path;
    enum sf_status status;

    arango_step_init(&s, a);
    sf_buf_init(&path, PATH_MAX_B);
    sf_buf_addf(&path, "%s/_api/version", a->db_path);
    status = arango_ask(&s, "GET", &path, SF_STR_EMPTY, err);
    if (status != SF_OK)
        goto out;
    if (s.verdict.class == ARANGO_OK) {
        note_version(a, sf_buf_str(&s.body));
        goto out;
    }
    if (s.verdict.class == ARANGO_AUTH)
        status = check_password(&s, err);
    else if (s.verdict.class != ARANGO_GONE)
        status = refusal(&s, "GET /_api/version", err);
    if (status == SF_OK)
        status = create_database(&s, err);
    if (status == SF_OK)
        status = arango_ask(&s, "GET", &path, SF_STR_EMPTY, err);
    if (status == SF_OK && s.verdict.class == ARANGO_OK)
        note_version(a, sf_buf_str(&s.body));
    else if (status == SF_OK)
        status = refusal(&s, "GET /_api/version", err);
out:
    sf_buf_release(&path);
    sf_buf_release(&s.body);
    return status;
}

/* ------------------------------------------------------------------------ collection */

/* Not every server or user may ask: then the first write will tell. */
static enum sf_status check_rights(struct arango_step *s, const char *collection,
                                   struct sf_error *err)
{
    const struct sf_conf *conf = s->a->conf;
    struct sf_buf path;
    json_t *root = NULL;
    const char *right;
    enum sf_status status;

    if (!conf->arango_user[0])
        return SF_OK;
    sf_buf_init(&path, PATH_MAX_B);
    sf_buf_add_lit(&path, "/_db/_system/_api/user/");
    sf_buf_add_url(&path, sf_str_from(conf->arango_user));
    sf_buf_add_lit(&path, "/database/");
    sf_buf_add_url(&path, sf_str_from(conf->arango_db));
    sf_buf_add_lit(&path, "/");
    sf_buf_add_url(&path, sf_str_from(collection));
    status = arango_ask(s, "GET", &path, SF_STR_EMPTY, err);
    if (status == SF_OK && s->verdict.class == ARANGO_OK)
        root = json_loadb(s->body.p, s->body.len, 0, NULL);
    right = json_string_value(json_object_get(root, "result"));
    if (right && (strcmp(right, "ro") == 0 || strcmp(right, "none") == 0))
        status = sf_error_set(err, SF_EDENIED,
                              "user ARANGO_USER='%s' has the rights '%s' on "
                              "collection %s/%s, expected 'rw'",
                              conf->arango_user, right, conf->arango_db, collection);
    json_decref(root);
    sf_buf_release(&path);
    return status;
}

static enum sf_status create_collection(struct arango_step *s, const char *collection,
                                        struct sf_error *err)
{
    struct sf_buf path, body;
    char what[320];
    enum sf_status status;

    if (!s->a->conf->arango_create)
        return sf_error_set(err, SF_ENOTFOUND,
                            "collection %s/%s does not exist and ARANGO_CREATE is off",
                            s->a->conf->arango_db, collection);
    sf_buf_init(&path, PATH_MAX_B);
    sf_buf_init(&body, PATH_MAX_B);
    sf_buf_addf(&path, "%s/_api/collection", s->a->db_path);
    sf_buf_add_lit(&body, "{\"name\":\"");
    sf_buf_add_json(&body, sf_str_from(collection));
    sf_buf_add_lit(&body, "\",\"type\":2}");
    status = sf_buf_status(&body, err);
    if (status == SF_OK)
        status = arango_ask(s, "POST", &path, sf_buf_str(&body), err);
    if (status == SF_OK && s->verdict.class != ARANGO_OK &&
        s->verdict.error_num != 1207) {
        (void)snprintf(what, sizeof(what), "create collection %s", collection);
        status = refusal(s, what, err);
    }
    sf_buf_release(&path);
    sf_buf_release(&body);
    return status;
}

/* ---------------------------------------------------------------------------- indexes */

static bool index_equals(const json_t *have, const struct sf_arango_index *want)
{
    const json_t *fields = json_object_get(have, "fields");
    const char *type = json_string_value(json_object_get(have, "type"));
    size_t n = 0;

    if (!type || strcmp(type, "persistent") != 0 ||
        json_is_true(json_object_get(have, "unique")) != want->is_unique)
        return false;
    for (; want->fields[n]; n++) {
        const char *field = json_string_value(json_array_get(fields, n));

        if (!field || strcmp(field, want->fields[n]) != 0)
            return false;
    }
    return n == json_array_size(fields);
}

/* Does the answer of GET /_api/index hold @want? */
static bool has_index(struct sf_str body, const struct sf_arango_index *want)
{
    json_t *root = json_loadb(body.p, body.len, 0, NULL);
    const json_t *indexes = json_object_get(root, "indexes");
    bool is_there = false;

    for (size_t i = 0; i < json_array_size(indexes) && !is_there; i++)
        is_there = index_equals(json_array_get(indexes, i), want);
    json_decref(root);
    return is_there;
}

static void index_body(struct sf_buf *b, const struct sf_arango_index *index)
{
    sf_buf_add_lit(b, "{\"type\":\"persistent\",\"inBackground\":true,\"unique\":");
    sf_buf_add_str(b, sf_str_from(index->is_unique ? "true" : "false"));
    sf_buf_add_lit(b, ",\"fields\":[");
    for (size_t i = 0; index->fields[i]; i++) {
        sf_buf_add_str(b, sf_str_from(i > 0 ? ",\"" : "\""));
        sf_buf_add_json(b, sf_str_from(index->fields[i]));
        sf_buf_add_lit(b, "\"");
    }
    sf_buf_add_lit(b, "]}");
}

static enum sf_status ensure_index(struct arango_step *s, const char *collection,
                                   const struct sf_arango_index *index,
                                   struct sf_error *err)
{
    struct sf_buf path, body;
    char what[320];
    enum sf_status status;

    sf_buf_init(&path, PATH_MAX_B);
    sf_buf_init(&body, PATH_MAX_B);
    (void)snprintf(what, sizeof(what), "index on %s of collection %s", index->fields[0],
                   collection);
    sf_buf_addf(&path, "%s/_api/index?collection=", s->a->db_path);
    sf_buf_add_url(&path, sf_str_from(collection));
    status = arango_ask(s, "GET", &path, SF_STR_EMPTY, err);
    if (status != SF_OK)
        goto out;
    if (s->verdict.class == ARANGO_OK && has_index(sf_buf_str(&s->body), index))
        goto out;
    if (!s->a->conf->arango_create) {
        status = sf_error_set(err, SF_ENOTFOUND,
                              "%s does not exist and ARANGO_CREATE is off", what);
        goto out;
    }
    index_body(&body, index);
    status = sf_buf_status(&body, err);
    if (status == SF_OK)
        status = arango_ask(s, "POST", &path, sf_buf_str(&body), err);
    if (status == SF_OK && s->verdict.class != ARANGO_OK)
        status = refusal(s, what, err);
out:
    sf_buf_release(&path);
    sf_buf_release(&body);
    return status;
}

enum sf_status sf_arango_ensure_collection(struct sf_arango *a, const char *collection,
                                           const struct sf_arango_index *indexes,
                                           size_t indexes_n, struct sf_error *err)
{
    struct arango_step s;
    struct sf_buf path;
    enum sf_status status;

    arango_step_init(&s, a);
    sf_buf_init(&path, PATH_MAX_B);
    sf_buf_addf(&path, "%s/_api/collection/", a->db_path);
    sf_buf_add_url(&path, sf_str_from(collection));
    status = arango_ask(&s, "GET", &path, SF_STR_EMPTY, err);
    if (status == SF_OK && s.verdict.error_num == 1203)
        status = create_collection(&s, collection, err);
    else if (status == SF_OK && s.verdict.class != ARANGO_OK)
        status = refusal(&s, "GET /_api/collection", err);
    if (status == SF_OK)
        status = check_rights(&s, collection, err);
    for (size_t i = 0; i < indexes_n && status == SF_OK; i++)
        status = ensure_index(&s, collection, &indexes[i], err);
    sf_buf_release(&path);
    sf_buf_release(&s.body);
    return status;
}

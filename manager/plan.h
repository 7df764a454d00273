/* From a request to what will be started: validated, named, nothing done yet.
 *
 * Validation is strict and complete: every problem is told, each with the pointer to its
 * field. Names come from libsf, values are judged by libsf's settings table as the
 * members themselves will judge them. No I/O but what settings name as NAME_FILE. */
#ifndef MANAGER_PLAN_H
#define MANAGER_PLAN_H

#include "fields.h"
#include "problem.h"

#define MEMBERS_MAX         2
#define RESTART_MAX_DEFAULT 5

struct member_spec {
    const char *image; /* of the registry */
    bool is_loader;
    char telemetry_id[SF_NAME_MAX + 1];
    char job[SF_NAME_MAX + 1];
    char image_ref[SF_NAME_MAX + 1];
    char group[SF_NAME_MAX + 1]; /* of a connector */
};

struct queue_spec {
    json_t
        *request; /* canonical single command: every field that was given, queue_id too */
    char queue_id[SF_NAME_MAX + 1], pipeline_id[SF_NAME_MAX + 1];
    char topic[SF_NAME_MAX + 1], collection[SF_NAME_MAX + 1];
    char subject[SF_SYMBOL_MAX + 1];
    char type[32];
    struct sf_type_ref type_ref;
    bool restarts; /* on-failure */
    int restart_max;
    struct member_spec members[MEMBERS_MAX];
    size_t members_n;
};

struct plan {
    struct queue_spec *queues;
    size_t n;
};

struct plan_env {
    sf_getenv_fn get; /* the manager's own settings, which members get too */
    void *get_arg;
    const char *registry, *tag;
};

/* @body: the request, a single command or a pipeline. Problems are appended to @errors;
 * with one or more of them the answer is SF_EINVAL and *ret_plan untouched. Errors:
 * SF_EINVAL, SF_ENOMEM, SF_EIO (random numbers). */
enum sf_status plan_make(const struct plan_env *env, const json_t *body, json_t *errors,
                         struct plan *ret_plan, struct sf_error *err) SF_MUST_CHECK;
void plan_release(struct plan *plan);
void queue_spec_release(struct queue_spec *q);

/* Is @name a setting that a request decides, never the manager's environment? */
bool plan_is_setting(const char *name);

/* As the API shows it. NULL: out of memory. */
json_t *plan_json(const struct queue_spec *q);

/* One of @q's members, as it will be started: settings beside the manager's own. */
typedef void (*plan_setting_fn)(void *arg, const char *name, const char *value);
void plan_settings(const struct queue_spec *q, const struct member_spec *m,
                   plan_setting_fn fn, void *arg);
/* What SF_SCOPE_* the settings of @m have. */
unsigned plan_scopes(const struct queue_spec *q, const struct member_spec *m);

/* plan_fields.c: is every field of @object known, of its kind, and there when required?
 * Problems to @errors. */
void plan_check_fields(const json_t *object, unsigned place, const char *pointer,
                       json_t *errors);
/* The row of the TYPE that @object names with its interval, written to @type of @size;
 * false: told in @errors. */
bool plan_check_type(const json_t *object, const char *pointer, json_t *errors,
                     char *type, size_t size, struct sf_type_ref *ret_ref);
/* The image that @object asks for: *ret_image of the registry, NULL when it asks for
 * none. False: told in @errors. */
bool plan_check_image(const struct plan_env *env, const json_t *object,
                      const struct sf_type_ref *ref, const char *pointer, json_t *errors,
                      const char **ret_image);

#endif

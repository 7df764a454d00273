/* What starts loaders and connectors, finds them again, and ends them: one table of
 * functions for each kind. Loop thread only. */
#ifndef MANAGER_LAUNCHER_H
#define MANAGER_LAUNCHER_H

#include "plan.h"

struct launcher;

struct launcher_kind {
    const char *name;
    /* Start member @m of @q unless it runs. Errors: SF_EEXIST it runs already; SF_EIO,
     * SF_ENOTFOUND no such program, SF_ENOMEM. */
    enum sf_status (*start)(struct launcher *l, const struct queue_spec *q,
                            const struct member_spec *m, struct sf_error *err);
    /* Does it run? *ret_exit: its exit code when that is known, else untouched. */
    bool (*is_running)(struct launcher *l, const struct queue_spec *q,
                       const struct member_spec *m, int *ret_exit);
    /* SIGTERM, or SIGKILL. One that does not run is left alone. */
    void (*stop)(struct launcher *l, const struct queue_spec *q,
                 const struct member_spec *m, bool is_kill);
    /* The last @max_bytes of what it wrote, to @b. Errors: SF_ENOTFOUND, SF_EIO. */
    enum sf_status (*logs)(struct launcher *l, const struct queue_spec *q,
                           const struct member_spec *m, size_t max_bytes,
                           struct sf_buf *b, struct sf_error *err);
    /* The queue is deleted: forget its files. */
    void (*forget)(struct launcher *l, const struct queue_spec *q);
    void (*destroy)(struct launcher *l);
};

struct launcher {
    const struct launcher_kind *kind;
    const struct sf_conf *conf;
};

/* As processes of this machine. Each holds a lock from before it exists until it ends,
 * whoever started it: a second one cannot be, and a new manager finds it again. One
 * manager a folder. Borrows @conf. Errors: SF_EBUSY another manager has the folder;
 * SF_EIO, SF_ENOMEM. */
enum sf_status launcher_process(const struct sf_conf *conf, struct launcher **ret_l,
                                struct sf_error *err) SF_MUST_CHECK;

/* The environment of a member: NAME=value, NULL-terminated, one block to free(). NULL:
 * out of memory. */
char **launch_environment(const struct queue_spec *q, const struct member_spec *m,
                          sf_getenv_fn get, void *get_arg);

#endif

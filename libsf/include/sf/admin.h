/* /health/live, /health/ready and /metrics of a program (DESIGN section 6), on its loop.
 */
#ifndef SF_ADMIN_H
#define SF_ADMIN_H

#include <sf/conf.h>
#include <sf/loop.h>

struct sf_admin;

/* Ready or not, and why not. Called for each /health/ready. */
typedef bool (*sf_ready_fn)(void *arg, struct sf_buf *why);

/* With conf->admin_listen empty nothing listens and *ret_admin is NULL. Logs the address
 * as event=admin_listening port=N. Errors: as sf_httpd_create. */
enum sf_status sf_admin_create(struct sf_loop *loop, const struct sf_conf *conf,
                               sf_ready_fn ready, void *arg, struct sf_admin **ret_admin,
                               struct sf_error *err) SF_MUST_CHECK;
void sf_admin_destroy(struct sf_admin *admin); /* NULL is fine */

#endif

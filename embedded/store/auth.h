/* Who is asking: passwords (salted SHA-256, as ArangoDB keeps them), Basic, and JWT
 * (HS256). Any thread. */
#ifndef STORE_AUTH_H
#define STORE_AUTH_H

#include "call.h"

#define AUTH_HASH_SIZE    100 /* text of a password hash, with NUL */
#define AUTH_SECRET_BYTES 32
#define AUTH_TOKEN_LIFE_S 3600

/* False: no random numbers. */
bool auth_hash(struct sf_str password, char dst[AUTH_HASH_SIZE]);
bool auth_check(struct sf_str hash, struct sf_str password);

/* Append a token for @user that is good from @now_s on for AUTH_TOKEN_LIFE_S. */
bool auth_add_token(struct sf_buf *out, struct sf_str secret, struct sf_str user,
                    int64_t now_s);
/* Check signature and time. *ret_user is in @mem; empty: a superuser token. */
bool auth_check_token(struct arena *mem, struct sf_str secret, struct sf_str token,
                      int64_t now_s, struct sf_str *ret_user);

/* Set c->user or c->may_all by c->authorization. False: c->fault is a 401. */
bool auth_identify(struct call *c);

/* POST /_open/auth and /_open/auth/renew. */
void auth_login(struct call *c);
void auth_renew(struct call *c);

#endif

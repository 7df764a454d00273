/* Base 64, both alphabets (RFC 4648): '+' and '/' or '-' and '_'. Any thread. */
#ifndef STORE_BASE64_H
#define STORE_BASE64_H

#include <sf/buf.h>

/* With the URL alphabet and without padding, as JWT wants it. */
void base64_add_url(struct sf_buf *out, struct sf_str bytes);
/* Either alphabet, padding optional. False: malformed. */
bool base64_decode(struct sf_str text, struct sf_buf *out);

#endif

/* /control: switches and counters of the stand-in itself; costs no weight. */
#ifndef EXCHANGE_CONTROL_H
#define EXCHANGE_CONTROL_H

#include "exchange.h"

/* False: not a path under /control. */
bool control_serve(struct exchange *ex, struct sf_httpd_req *req);

#endif

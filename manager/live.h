/* Who follows queues as they change: WebSocket clients of /ws/events, and of /events
 * by server-sent events.
 *
 * A client hears events in the order of queue-events, each once. One that asks for what
 * came after an id is first given what is kept of it, then goes on live. What a client
 * does not read waits for it alone, up to a ceiling; over it the client is cut. Loop
 * thread only. */
#ifndef MANAGER_LIVE_H
#define MANAGER_LIVE_H

#include "manager.h"

/* An event of @q, before it is acted upon: who has seen its id has seen the event. */
void live_event(struct manager *m, const struct queue *q, json_t *event, int64_t offset);
/* The status of @q is another, by an event or without one. */
void live_status(struct manager *m, const struct queue *q, const char *status);

#endif

/* Commands from the control topic (DESIGN section 6): stop, pause, resume, ping.
 *
 * Reads the topic's one partition without a group, from its end as seen when
 * sf_control_open() returns. A command acts when all selectors it carries match this
 * process; what is unknown is logged once a second at most and not obeyed. Loop thread
 * only. */
#ifndef SF_CONTROL_H
#define SF_CONTROL_H

#include <sf/kafka.h>

enum sf_command { SF_COMMAND_STOP, SF_COMMAND_PAUSE, SF_COMMAND_RESUME, SF_COMMAND_PING };

/* "stop", "pause", ... */
const char *sf_control_name(enum sf_command command);

typedef void (*sf_command_fn)(void *arg, enum sf_command command,
                              struct sf_str command_id);

/* Who this process is, for the selectors, and who is told. What it points to is borrowed.
 */
struct sf_control_self {
    const char *queue_id, *target, *telemetry_id;
    const struct sf_conf *conf; /* its symbols */
    sf_command_fn fn;           /* called from the loop */
    void *arg;
};

/* Judge one message. True and *ret_command when it is for us; false with *ret_why NULL
 * when it is for others, or what is wrong with it. Pure. */
bool sf_control_match(const struct sf_control_self *self, struct sf_str json,
                      enum sf_command *ret_command, struct sf_buf *command_id,
                      const char **ret_why);

struct sf_control;

/* Ensures conf->control_topic (one partition). Copies @self. Errors: as
 * sf_kafka_ensure_topic, sf_reader_open. */
enum sf_status sf_control_open(struct sf_loop *loop, struct sf_producer *p,
                               const struct sf_control_self *self,
                               struct sf_control **ret_control,
                               struct sf_error *err) SF_MUST_CHECK;
void sf_control_close(struct sf_control *control); /* NULL is fine */

#endif

/* Judging a command is strict: a field we do not know might narrow whom it is for, so the
 * whole message is left alone and reported. */
#include "kafka_internal.h"

#include <sf/control.h>
#include <sf/time.h>

#include <jansson.h>

#include <stdlib.h>
#include <string.h>

#define OPEN_TIMEOUT_MS 30000
#define REPORT_EVERY_US INT64_C(1000000)
#define COMMAND_MAX_BYTES \
    65536 /* a command has a few hundred; jansson is not for floods */
#define ID_MAX_BYTES 1024

struct sf_control {
    struct sf_reader *reader;
    struct sf_control_self self;
    int64_t next_report_us;
    int64_t unreported_n;
};

/* ---------------------------------------------------------------------------- judging */

static const char *const commands[] = {
    [SF_COMMAND_STOP] = "stop",
    [SF_COMMAND_PAUSE] = "pause",
    [SF_COMMAND_RESUME] = "resume",
    [SF_COMMAND_PING] = "ping",
};

const char *sf_control_name(enum sf_command command)
{
    return commands[command];
}

static bool match_queue(const struct sf_control_self *self, const char *value)
{
    return strcmp(value, "*") == 0 || strcmp(value, "all") == 0 ||
           strcmp(value, self->queue_id) == 0;
}

static bool match_target(const struct sf_control_self *self, const char *value)
{
    return strcmp(value, self->target) == 0;
}

static bool match_telemetry(const struct sf_control_self *self, const char *value)
{
    return strcmp(value, self->telemetry_id) == 0;
}

static bool match_symbol(const struct sf_control_self *self, const char *value)
{
    struct sf_str given = sf_str_from(value);

    if (sf_str_eq_nocase(given, sf_str_from(self->conf->subject)))
        return true;
    for (size_t i = 0; i < self->conf->symbols_n; i++)
        if (sf_str_eq_nocase(given, sf_str_from(self->conf->symbols[i])))
            return true;
    return false;
}

/* Every field a command may have. */
static const struct {
    const char *name;
    bool (*match)(const struct sf_control_self *self, const char *value);
    const char *not_text; /* complaint when it is no string; NULL: any value will do */
} fields[] = {
    { "command", NULL, "command: expected a string" },
    { "queue_id", match_queue, "queue_id: expected a string" },
    { "target", match_target, "target: expected a string" },
    { "telemetry_id", match_telemetry, "telemetry_id: expected a string" },
    { "symbol", match_symbol, "symbol: expected a string" },
    { "command_id", NULL, "command_id: expected a string" },
    { "timestamp", NULL, NULL },
    { "sent_at", NULL, NULL }, /* as the first StreamForge spelled it */
};

static size_t find_field(const char *name)
{
    size_t i = 0;

    while (i < sizeof(fields) / sizeof(fields[0]) && strcmp(fields[i].name, name) != 0)
        i++;
    return i;
}

/* NULL when all fields are known and of the right kind; *ret_is_ours: selectors match. */
static const char *judge_fields(const struct sf_control_self *self, json_t *object,
                                bool *ret_is_ours)
{
    const char *name;
    json_t *value;

    *ret_is_ours = true;
    json_object_foreach(object, name, value)
    {
        size_t i = find_field(name);

        if (i == sizeof(fields) / sizeof(fields[0]))
            return "a field that is not known";
        if (fields[i].not_text && !json_is_string(value))
            return fields[i].not_text;
        if (fields[i].match && !fields[i].match(self, json_string_value(value)))
            *ret_is_ours = false;
    }
    if (!json_object_get(object, "queue_id"))
        return "queue_id: missing";
    if (!json_object_get(object, "command"))
        return "command: missing";
    return NULL;
}

static bool judge(const struct sf_control_self *self, json_t *object,
                  enum sf_command *ret_command, struct sf_buf *command_id,
                  const char **ret_why)
{
    const char *command = json_string_value(json_object_get(object, "command"));
    const char *queue = json_string_value(json_object_get(object, "queue_id"));
    const char *id = json_string_value(json_object_get(object, "command_id"));
    bool is_ours;

    if (command && strcmp(command, "start") == 0)
        return false; /* the manager's, with fields of its own */
    if (queue && !match_queue(self, queue))
        return false; /* whoever it is for reports what is wrong with it */
    *ret_why = judge_fields(self, object, &is_ours);
    if (*ret_why || !is_ours)
        return false;
    for (size_t i = 0; command && i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(command, commands[i]) == 0) {
            *ret_command = (enum sf_command)i;
            sf_buf_add_str(command_id, sf_str_from(id));
            return true;
        }
    *ret_why = "command: expected stop, pause, resume or ping";
    return false;
}

bool sf_control_match(const struct sf_control_self *self, struct sf_str json,
                      enum sf_command *ret_command, struct sf_buf *command_id,
                      const char **ret_why)
{
    json_error_t where;
    json_t *object;
    bool is_ours;

    *ret_why = NULL;
    if (json.len > COMMAND_MAX_BYTES) {
        *ret_why = "larger than 64 KiB";
        return false;
    }
    object = json_loadb(json.p, json.len, JSON_REJECT_DUPLICATES, &where);
    if (!json_is_object(object)) {
        *ret_why = "expected a JSON object";
        json_decref(object);
        return false;
    }
    is_ours = judge(self, object, ret_command, command_id, ret_why);
    json_decref(object);
    return is_ours;
}

/* ---------------------------------------------------------------------------- reading */

static void report(struct sf_control *control, const struct sf_message *msg,
                   const char *why)
{
    int64_t now_us = sf_mono_us();
    struct sf_str shown = sf_str_make(msg->value.p, msg->value.len);

    if (now_us < control->next_report_us) {
        control->unreported_n++;
        return;
    }
    if (shown.len > 200)
        shown.len = 200;
    sf_log(SF_LOG_WARN, "command_refused", SF_LOG_S("why", why), SF_LOG_V("value", shown),
           SF_LOG_I("offset", msg->offset),
           SF_LOG_I("unreported", control->unreported_n));
    control->next_report_us = now_us + REPORT_EVERY_US;
    control->unreported_n = 0;
}

static void on_message(void *arg, const struct sf_message *msg)
{
    struct sf_control *control = arg;
    enum sf_command command;
    const char *why = NULL;
    struct sf_buf id;

    if (msg->is_null)
        return;
    sf_buf_init(&id, ID_MAX_BYTES);
    if (sf_control_match(&control->self, msg->value, &command, &id, &why))
        control->self.fn(control->self.arg, command, sf_buf_str(&id));
    else if (why)
        report(control, msg, why);
    sf_buf_release(&id);
}

static enum sf_status open_reader(struct sf_loop *loop, struct sf_control *control,
                                  struct sf_error *err)
{
    const struct sf_reader_opts opts = { .topic = control->self.conf->control_topic,
                                         .offset = SF_OFFSET_END,
                                         .timeout_ms = OPEN_TIMEOUT_MS,
                                         .fn = on_message,
                                         .arg = control };

    return sf_reader_open(loop, control->self.conf, &opts, &control->reader, err);
}

enum sf_status sf_control_open(struct sf_loop *loop, struct sf_producer *p,
                               const struct sf_control_self *self,
                               struct sf_control **ret_control, struct sf_error *err)
{
    const struct sf_conf *conf = self->conf;
    struct sf_topic_spec spec = { conf->control_topic, 1,
                                  (int32_t)conf->topic_replication, 0 };
    struct sf_control *control;
    int32_t partitions = 0;
    enum sf_status status = sf_kafka_ensure_topic(p, &spec, conf->topic_create != 0,
                                                  OPEN_TIMEOUT_MS, &partitions, err);

    if (status != SF_OK)
        return status;
    if (partitions != 1)
        return sf_error_set(err, SF_EREFUSED,
                            "Kafka: control topic %s has %d partitions, expected one: "
                            "commands would reach only some",
                            conf->control_topic, (int)partitions);
    control = calloc(1, sizeof(*control));
    if (!control)
        return sf_error_set(err, SF_ENOMEM, "no memory for control");
    control->self = *self;
    status = open_reader(loop, control, err);
    if (status != SF_OK) {
        free(control);
        return status;
    }
    *ret_control = control;
    return SF_OK;
}

void sf_control_close(struct sf_control *control)
{
    if (!control)
        return;
    sf_reader_close(control->reader);
    free(control);
}

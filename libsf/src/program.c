#include "program.h"

#include <curl/curl.h>
#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_SIGTERM = 143 };

#define ALIVE_CHECK_MS 100 /* how often waits look at the stop signal */

/* --------------------------------------------------------------- options, settings */

static void print_out(struct sf_buf *b)
{
    if (b->len > 0)
        (void)fwrite(b->p, 1, b->len, stdout);
    (void)fflush(stdout);
    sf_buf_release(b);
}

static void on_problem(void *arg, const char *text)
{
    struct sf_program *p = arg;

    sf_log(SF_LOG_ERROR, "bad_setting", SF_LOG_S("text", text));
    (void)sf_error_set(&p->failure, SF_EINVAL, "%s", text);
}

/* One `error` event where a queue is known: best effort, bounded, no other effect. */
static void tell_bad_settings(struct sf_program *p)
{
    const struct sf_producer_hooks none = { 0 };
    struct sf_error err = { 0 };
    struct sf_event_fields last = { .event = SF_EVENT_ERROR,
                                    .is_last = true,
                                    .message = "settings refused",
                                    .err = &p->failure };

    if (p->conf.queue_id[0] == '\0' || p->conf.kafka_brokers[0] == '\0')
        return;
    if (sf_loop_create(&p->loop, &err) != SF_OK ||
        sf_producer_create(p->loop, &p->conf, &none, &p->producer, &err) != SF_OK ||
        sf_telemetry_create(p->producer, &p->conf, p->image, &p->telemetry, &err) !=
            SF_OK) {
        sf_log_error(SF_LOG_WARN, "error_event_not_sent", &err);
        return;
    }
    sf_telemetry_send(p->telemetry, &last);
    if (sf_producer_flush(p->producer, SF_PROGRAM_LAST_EVENT_MS, &err) != SF_OK)
        sf_log_error(SF_LOG_WARN, "error_event_not_sent", &err);
}

static void release(struct sf_program *p)
{
    sf_control_close(p->control);
    sf_admin_destroy(p->admin);
    sf_watch_stop(p->stop_watch);
    sf_timer_destroy(p->report_timer);
    sf_telemetry_destroy(p->telemetry);
    sf_producer_destroy(p->producer);
    sf_loop_destroy(p->loop);
    sf_conf_release(&p->conf);
}

static int refuse_settings(struct sf_program *p)
{
    tell_bad_settings(p);
    release(p);
    return EXIT_USAGE;
}

static bool options(const char *image, const char *what, unsigned scopes, int argc,
                    char **argv, bool *is_check, int *ret_code)
{
    struct sf_buf b;

    *ret_code = EXIT_DONE;
    sf_buf_init(&b, 256 * 1024); /* the whole settings table */
    if (argc == 1)
        return true;
    if (argc == 2 && strcmp(argv[1], "--check") == 0) {
        *is_check = true;
        return true;
    }
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        sf_buf_addf(&b, "%s %s\n", image, SF_VERSION);
    } else if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        sf_conf_print_help(&b, image, what, scopes);
    } else {
        sf_buf_addf(&b,
                    "%s: unknown argument '%s'; expected --help, --check or --version\n",
                    image, argv[1]);
        (void)fputs(sf_buf_cstr(&b), stderr);
        sf_buf_release(&b);
        *ret_code = EXIT_USAGE;
        return false;
    }
    print_out(&b);
    return false;
}

bool sf_program_begin(struct sf_program *p, const char *image, const char *what,
                      unsigned scopes, int argc, char **argv, int *ret_code)
{
    bool is_check = false;
    struct sf_buf b;
    enum sf_status status;

    *p = (struct sf_program){ .image = image, .begun_us = sf_mono_us() };
    sf_log_init(image, NULL, SF_LOG_INFO, SF_LOG_LOGFMT);
    if (!options(image, what, scopes, argc, argv, &is_check, ret_code))
        return false;
    *ret_code = EXIT_FAILED;
    if (sf_stop_init(&p->failure) != SF_OK ||
        curl_global_init(CURL_GLOBAL_DEFAULT) != 0) {
        sf_log_error(SF_LOG_ERROR, "failed", &p->failure);
        return false;
    }
    json_object_seed(0); /* before any thread (jansson, "Thread safety") */
    status = sf_conf_load(&p->conf, image, scopes, sf_conf_env, NULL, on_problem, p);
    sf_log_init(image, p->conf.queue_id, (enum sf_log_level)p->conf.log_level,
                (enum sf_log_format)p->conf.log_format);
    if (status != SF_OK) {
        if (status == SF_EINVAL)
            *ret_code = is_check ? EXIT_USAGE : refuse_settings(p);
        return false;
    }
    if (!is_check)
        return true;
    sf_buf_init(&b, 256 * 1024);
    sf_conf_print(&b, &p->conf, scopes);
    print_out(&b);
    sf_conf_release(&p->conf);
    *ret_code = EXIT_DONE;
    return false;
}

/* ------------------------------------------------------------------------ callbacks */

static void on_room(void *arg)
{
    struct sf_program *p = arg;

    if (p->hooks.on_room)
        p->hooks.on_room(p->hooks.arg);
}

static void on_fatal(void *arg, const struct sf_error *err)
{
    sf_program_fail(arg, err);
}

static void on_signal(void *arg, int fd, unsigned events)
{
    (void)fd;
    (void)events;
    sf_watch_stop(((struct sf_program *)arg)->stop_watch);
    ((struct sf_program *)arg)->stop_watch = NULL;
    sf_program_end(arg, SF_OUTCOME_SIGNALLED);
}

static void on_command(void *arg, enum sf_command command, struct sf_str command_id)
{
    struct sf_program *p = arg;
    struct sf_buf extra;

    sf_log(SF_LOG_INFO, "command", SF_LOG_S("command", sf_control_name(command)),
           SF_LOG_V("command_id", command_id));
    switch (command) {
    case SF_COMMAND_STOP:
        if (p->hooks.on_stop)
            p->hooks.on_stop(p->hooks.arg);
        else
            sf_program_end(p, SF_OUTCOME_STOPPED);
        return;
    case SF_COMMAND_PAUSE:
    case SF_COMMAND_RESUME:
        if (p->is_paused == (command == SF_COMMAND_PAUSE))
            return;
        p->is_paused = command == SF_COMMAND_PAUSE;
        p->hooks.on_pause(p->hooks.arg, p->is_paused);
        sf_program_tell(p, p->is_paused ? SF_EVENT_PAUSED : SF_EVENT_LOADING,
                        p->is_paused ? "paused by command" : "resumed by command",
                        SF_STR_EMPTY);
        return;
    case SF_COMMAND_PING:
        sf_buf_init(&extra, 1024);
        sf_buf_add_lit(&extra, "{\"command_id\":\"");
        sf_buf_add_json(&extra, command_id);
        sf_buf_add_lit(&extra, "\"}");
        sf_program_tell(p, SF_EVENT_PONG, NULL, sf_buf_str(&extra));
        sf_buf_release(&extra);
        return;
    }
}

static void on_report(void *arg)
{
    struct sf_program *p = arg;

    if (!p->is_paused)
        sf_program_tell(p, SF_EVENT_LOADING, p->note, SF_STR_EMPTY);
}

/* ---------------------------------------------------------------------------- open */

static enum sf_status open_kafka(struct sf_program *p)
{
    const struct sf_producer_hooks producer_hooks = {
        .on_room = on_room,
        .on_fatal = on_fatal,
        .arg = p,
    };
    const struct sf_control_self self = {
        .queue_id = p->conf.queue_id,
        .target = p->image,
        .telemetry_id = p->conf.telemetry_id,
        .conf = &p->conf,
        .fn = on_command,
        .arg = p,
    };
    enum sf_status status;

    status =
        sf_producer_create(p->loop, &p->conf, &producer_hooks, &p->producer, &p->failure);
    if (status == SF_OK)
        status = sf_telemetry_create(p->producer, &p->conf, p->image, &p->telemetry,
                                     &p->failure);
    if (status == SF_OK)
        status = sf_control_open(p->loop, p->producer, &self, &p->control, &p->failure);
    return status;
}

enum sf_status sf_program_open(struct sf_program *p, const struct sf_program_hooks *hooks)
{
    enum sf_status status;

    p->hooks = *hooks;
    status = sf_loop_create(&p->loop, &p->failure);
    if (status == SF_OK)
        status = sf_watch_start(p->loop, sf_stop_fd(), SF_READABLE, on_signal, p,
                                &p->stop_watch);
    if (status == SF_OK)
        status = sf_timer_create(p->loop, on_report, p, &p->report_timer);
    if (status == SF_OK)
        status = sf_admin_create(p->loop, &p->conf, hooks->is_ready, hooks->arg,
                                 &p->admin, &p->failure);
    if (status == SF_OK)
        status = open_kafka(p);
    if (status != SF_OK) {
        (void)sf_error_set(&p->failure, status, "start: %s", sf_status_text(status));
        return status;
    }
    sf_program_tell(p, SF_EVENT_STARTED, NULL, SF_STR_EMPTY);
    sf_timer_set(p->report_timer, p->conf.telemetry_interval_s * 1000,
                 p->conf.telemetry_interval_s * 1000);
    return SF_OK;
}

void sf_program_run(struct sf_program *p)
{
    if (sf_stop_signal() != 0)
        sf_program_end(p, SF_OUTCOME_SIGNALLED);
    while (p->outcome == SF_RUNNING)
        sf_loop_run(p->loop);
}

void sf_program_end(struct sf_program *p, enum sf_outcome outcome)
{
    if (p->outcome == SF_RUNNING)
        p->outcome = outcome;
    if (p->loop)
        sf_loop_quit(p->loop);
}

void sf_program_fail(struct sf_program *p, const struct sf_error *err)
{
    if (p->outcome != SF_OUTCOME_FAILED)
        memmove(&p->failure, err, sizeof(*err)); /* may be the same */
    p->outcome = SF_OUTCOME_FAILED;
    if (p->loop)
        sf_loop_quit(p->loop);
}

void sf_program_stop_or_fail(struct sf_program *p)
{
    if (p->failure.status == SF_ESTOPPED)
        sf_program_end(p, SF_OUTCOME_SIGNALLED);
    else
        sf_program_fail(p, &p->failure);
}

enum sf_status sf_program_data_topic(struct sf_program *p, int32_t *ret_partitions)
{
    const struct sf_conf *conf = &p->conf;
    int32_t by_symbols = conf->symbols_n < 8 ? (int32_t)conf->symbols_n : 8;
    const struct sf_topic_spec spec = {
        .name = conf->topic,
        .partitions =
            conf->topic_partitions > 0 ? (int32_t)conf->topic_partitions : by_symbols,
        .replication = (int32_t)conf->topic_replication,
        .retention_ms = conf->topic_retention_ms,
    };

    return sf_kafka_ensure_topic(p->producer, &spec, conf->topic_create != 0,
                                 SF_PROGRAM_KAFKA_MS, ret_partitions, &p->failure);
}

/* -------------------------------------------------------------------------- events */

/* {"rate":N, "total": ..., ...}: what the program reports, with the rate since the last.
 */
static int64_t report(struct sf_program *p, struct sf_buf *extra)
{
    int64_t now_us = sf_mono_us();
    int64_t since_us = now_us - (p->reported_us ? p->reported_us : p->begun_us);
    int64_t records, rate;
    struct sf_buf more;

    sf_buf_init(&more, 64 * 1024);
    records = p->hooks.on_report(p->hooks.arg, &more);
    rate = since_us > 0 ? (records - p->reported_records) * 1000000 / since_us : 0;
    sf_buf_addf(extra, "{\"rate\":%lld", (long long)rate);
    sf_buf_add_str(extra, sf_buf_str(&more));
    sf_buf_add_char(extra, '}');
    sf_buf_release(&more);
    p->reported_us = now_us;
    p->reported_records = records;
    sf_metric_set(SF_M_LOADING_SECONDS, (now_us - p->begun_us) / 1000000);
    return records;
}

void sf_program_tell(struct sf_program *p, enum sf_event event, const char *message,
                     struct sf_str extra)
{
    struct sf_event_fields fields = { .event = event,
                                      .message = message,
                                      .extra = extra };
    struct sf_buf own;

    sf_buf_init(&own, 64 * 1024);
    if (event == SF_EVENT_LOADING || event == SF_EVENT_STARTED) {
        fields.records_written = report(p, &own);
        if (extra.len == 0)
            fields.extra = sf_buf_str(&own);
    } else {
        fields.records_written = p->hooks.on_report(p->hooks.arg, &own);
    }
    sf_telemetry_send(p->telemetry, &fields);
    sf_buf_release(&own);
}

bool sf_program_flush(struct sf_program *p, int64_t timeout_ms)
{
    int64_t end_us = sf_mono_us() + timeout_ms * 1000;
    struct sf_error err = { 0 };

    while (sf_producer_pending(p->producer) > 0) {
        if (timeout_ms < 0 ? sf_stop_signal() != 0 : sf_mono_us() >= end_us)
            return false;
        if (sf_producer_flush(p->producer, ALIVE_CHECK_MS, &err) == SF_EFATAL)
            return false;
    }
    return sf_producer_failed(p->producer) == 0;
}

static const struct {
    enum sf_event event;
    int code;
    const char *message;
} endings[] = {
    [SF_RUNNING] = { SF_EVENT_ERROR, EXIT_FAILED, "ended without a reason" },
    [SF_OUTCOME_FINISHED] = { SF_EVENT_FINISHED, EXIT_DONE, "finished" },
    [SF_OUTCOME_STOPPED] = { SF_EVENT_INTERRUPTED, EXIT_DONE, "stopped by command" },
    [SF_OUTCOME_SIGNALLED] = { SF_EVENT_INTERRUPTED, EXIT_SIGTERM, "stopped by signal" },
    [SF_OUTCOME_FAILED] = { SF_EVENT_ERROR, EXIT_FAILED, "failed" },
};

int sf_program_close(struct sf_program *p, const char *message)
{
    struct sf_buf extra;
    struct sf_event_fields last = {
        .event = endings[p->outcome].event,
        .is_last = true,
        .message = message ? message : endings[p->outcome].message,
        .err = p->outcome == SF_OUTCOME_FAILED ? &p->failure : NULL,
    };
    int code = endings[p->outcome].code;

    sf_buf_init(&extra, 64 * 1024);
    if (p->telemetry) {
        last.records_written = report(p, &extra);
        last.extra = sf_buf_str(&extra);
        sf_telemetry_send(p->telemetry, &last);
        (void)sf_program_flush(p, SF_PROGRAM_LAST_EVENT_MS);
        if (sf_producer_pending(p->producer) > 0)
            sf_log(SF_LOG_WARN, "last_event_not_delivered",
                   SF_LOG_S("status", sf_event_name(last.event)));
    }
    if (last.err)
        sf_log_error(SF_LOG_ERROR, "failed", last.err);
    else
        sf_log(SF_LOG_INFO, "ended", SF_LOG_S("status", sf_event_name(last.event)),
               SF_LOG_I("records", last.records_written), SF_LOG_S("text", last.message));
    sf_buf_release(&extra);
    release(p);
    curl_global_cleanup();
    return code;
}

/* libsf's Kafka side from the command line, for tests/e2e/test_kafka_lib.py: what
 * librdkafka's mock cluster cannot do (SASL, TLS, retention, brokers that are killed).
 *
 *   probe_kafka ensure TOPIC MAY_CREATE TIMEOUT_MS
 *   probe_kafka produce TOPIC N
 *   probe_kafka walk TOPIC FROM STILL_MS
 *   probe_kafka consume TOPIC GROUP FROM N    FROM: committed, begin, or an offset
 *
 * Settings come from the environment, results go to stdout, one word first on each line.
 * Exit code 0 when it did what was asked; SIGTERM ends consume in good order. */
#include <sf/kafka.h>
#include <sf/stop.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct probe {
    struct sf_conf conf;
    struct sf_loop *loop;
    struct sf_producer *producer;
    struct sf_topic *topic;
    struct sf_consumer *consumer;
    const char *from;
    int64_t next, n, shown;
    int64_t expected; /* number in the next record */
    bool is_done;
    struct sf_error err;
};

static int fail(const struct sf_error *err)
{
    (void)printf("error %s %s\n", sf_status_name(err->status), err->text);
    return 1;
}

/* An argument as a number, -1 when it is none. */
static int64_t number(const char *arg)
{
    int64_t n = -1;

    return sf_str_to_i64(sf_str_from(arg), &n) == SF_OK ? n : -1;
}

static void on_problem(void *arg, const char *text)
{
    (void)arg;
    (void)fprintf(stderr, "%s\n", text);
}

static void on_fatal(void *arg, const struct sf_error *err)
{
    struct probe *p = arg;

    p->err = *err;
    p->is_done = true;
}

static int ensure(struct probe *p, char **argv)
{
    const struct sf_topic_spec spec = { argv[0], 2, 1, 3600000 };
    struct sf_error err = { 0 };
    int32_t partitions = 0;

    if (sf_kafka_ensure_topic(p->producer, &spec, number(argv[1]) != 0, number(argv[2]),
                              &partitions, &err) != SF_OK)
        return fail(&err);
    (void)printf("partitions %d\n", (int)partitions);
    return 0;
}

/* Numbered records, as many as fit. */
static void put_more(void *arg)
{
    struct probe *p = arg;
    char value[32];

    while (p->next < p->n) {
        int len = snprintf(value, sizeof(value), "{\"n\":%lld}", (long long)p->next);
        enum sf_status status = sf_producer_put(p->topic, 0, SF_STR("BTCUSDT"),
                                                sf_str_make(value, (size_t)len));

        if (status == SF_EFULL)
            return;
        if (status != SF_OK) {
            (void)sf_error_set(&p->err, status, "put");
            break;
        }
        p->next++;
    }
    p->is_done = true;
}

static int produce(struct probe *p, char **argv)
{
    struct sf_error err = { 0 };

    p->n = number(argv[1]);
    if (sf_producer_topic(p->producer, argv[0], &p->topic, &err) != SF_OK)
        return fail(&err);
    put_more(p);
    while (!p->is_done)
        (void)sf_loop_run_until(p->loop, &p->is_done, 1000);
    if (p->err.status != SF_OK)
        return fail(&p->err);
    if (sf_producer_flush(p->producer, 120000, &err) != SF_OK)
        return fail(&err);
    (void)printf("delivered %lld failed %zu\n", (long long)p->n,
                 sf_producer_failed(p->producer));
    return 0;
}

/* {"n":17} */
static int64_t number_in(struct sf_str value)
{
    int64_t n = -1;

    if (value.len < 7 ||
        sf_str_to_i64(sf_str_make(value.p + 5, value.len - 6), &n) != SF_OK)
        return -1;
    return n;
}

static void on_walk(void *arg, const struct sf_message *msg)
{
    struct probe *p = arg;

    if (number_in(msg->value) != p->expected)
        (void)printf("disorder at %lld\n", (long long)msg->offset);
    p->expected = number_in(msg->value) + 1;
    p->shown++;
}

static int walk(struct probe *p, char **argv)
{
    struct sf_walk walk = { .topic = argv[0],
                            .from = number(argv[1]),
                            .still_ms = number(argv[2]),
                            .fn = on_walk,
                            .arg = p };
    struct sf_error err = { 0 };

    p->expected = walk.from;
    if (sf_kafka_walk(&p->conf, &walk, &err) != SF_OK)
        return fail(&err);
    (void)printf("walked %lld begin %lld end %lld\n", (long long)p->shown,
                 (long long)walk.begin, (long long)walk.end);
    return 0;
}

static void on_message(void *arg, const struct sf_message *msg)
{
    struct probe *p = arg;

    on_walk(p, msg);
    sf_consumer_store(p->consumer, msg->partition, msg->offset + 1);
    if (p->shown % 1000 == 0) {
        (void)printf("shown %lld\n", (long long)p->shown);
        (void)fflush(stdout);
    }
    p->is_done = p->shown == p->n;
}

static int64_t on_assign(void *arg, int32_t partition, int64_t committed, int64_t begin,
                         int64_t end)
{
    struct probe *p = arg;
    int64_t start = strcmp(p->from, "begin") == 0 ? begin
                    : strcmp(p->from, "committed") == 0
                        ? (committed < 0 ? begin : committed)
                        : number(p->from);

    (void)printf("assigned %d committed %lld begin %lld end %lld\n", (int)partition,
                 (long long)committed, (long long)begin, (long long)end);
    (void)fflush(stdout);
    p->expected = start;
    return start;
}

static int consume(struct probe *p, char **argv)
{
    const struct sf_consumer_hooks hooks = {
        .on_message = on_message, .on_assign = on_assign, .on_error = on_fatal, .arg = p
    };
    struct sf_error err = { 0 };

    p->from = argv[2];
    p->n = number(argv[3]);
    if (!sf_str_copy(sf_str_from(argv[0]), p->conf.topic, sizeof(p->conf.topic)) ||
        !sf_str_copy(sf_str_from(argv[1]), p->conf.consumer_group,
                     sizeof(p->conf.consumer_group)))
        return 2;
    if (sf_consumer_create(p->loop, &p->conf, &hooks, &p->consumer, &err) != SF_OK)
        return fail(&err);
    while (!p->is_done && sf_stop_signal() == 0)
        (void)sf_loop_run_until(p->loop, &p->is_done, 100);
    sf_consumer_destroy(p->consumer);
    if (p->err.status != SF_OK)
        return fail(&p->err);
    (void)printf("consumed %lld\n", (long long)p->shown);
    return 0;
}

static const struct {
    const char *name;
    int argc;
    int (*run)(struct probe *p, char **argv);
} verbs[] = {
    { "ensure", 3, ensure },
    { "produce", 2, produce },
    { "walk", 3, walk },
    { "consume", 4, consume },
};

static int run(struct probe *p, int argc, char **argv)
{
    sf_log_init("probe_kafka", NULL, (enum sf_log_level)p->conf.log_level, SF_LOG_LOGFMT);
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (argc == verbs[i].argc + 2 && strcmp(argv[1], verbs[i].name) == 0)
            return verbs[i].run(p, argv + 2);
    (void)fprintf(stderr, "usage: see the head of tests/unit/probe_kafka.c\n");
    return 2;
}

int main(int argc, char **argv)
{
    struct probe p = { 0 };
    const struct sf_producer_hooks hooks = { .on_room = put_more,
                                             .on_fatal = on_fatal,
                                             .arg = &p };
    struct sf_error err = { 0 };
    int rc = 1;

    if (sf_stop_init(&err) != SF_OK ||
        sf_conf_load(&p.conf, "arango-candles", SF_SCOPE_QUEUE, sf_conf_env, NULL,
                     on_problem, NULL) != SF_OK ||
        sf_loop_create(&p.loop, &err) != SF_OK ||
        sf_producer_create(p.loop, &p.conf, &hooks, &p.producer, &err) != SF_OK)
        rc = fail(&err);
    else
        rc = run(&p, argc, argv);
    sf_producer_destroy(p.producer);
    sf_loop_destroy(p.loop);
    sf_conf_release(&p.conf);
    return rc;
}

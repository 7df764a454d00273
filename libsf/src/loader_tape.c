/* The tape of a loader: its begin, which holds what the run knew of its topic, and its
 * end, which completes the queue. */
#include "loader_internal.h"

#include <sf/scan.h>

#include <unistd.h>

#define BEGIN_MAX 262144 /* 1024 symbols with their positions */

/* --------------------------------------------------------------------------- recording
 */

static void on_over(void *arg, const struct sf_error *err)
{
    struct sf_loader *l = arg;

    sf_log_error(SF_LOG_ERROR, "tape_stopped", err);
    sf_loader_tell(l, err->text);
}

static void print_begin(const struct sf_loader *l, struct sf_buf *b)
{
    const struct sf_conf *conf = &l->program.conf;

    sf_buf_add_lit(b, "{\"version\":1,\"queue_id\":\"");
    sf_buf_add_json(b, sf_str_from(conf->queue_id));
    sf_buf_addf(b, "\",\"type\":\"%s\",\"exchange\":\"%s\",\"run\":%lld,\"symbols\":[",
                conf->type, conf->exchange, (long long)l->run);
    for (size_t i = 0; i < l->lanes_n; i++) {
        const struct sf_loader_past *past = &l->lanes[i].past;

        sf_buf_addf(b, "%s[\"%" SF_STR_FMT "\",%lld,%lld,%lld,%lld]", i > 0 ? "," : "",
                    SF_STR_ARG(l->lanes[i].symbol), (long long)past->first,
                    (long long)past->last, (long long)past->records,
                    (long long)past->last_ms);
    }
    sf_buf_add_lit(b, "]}");
}

/* arango-safe and sortable: the telemetry id, the second, the process. */
static void name_tape(const struct sf_loader *l, struct sf_buf *name)
{
    char iso[SF_TIME_ISO_SIZE];

    (void)sf_time_iso(sf_time_now_ms(), iso);
    iso[19] = '\0'; /* without the fraction */
    for (char *c = iso; *c; c++)
        if (*c == ':')
            *c = '-';
    sf_buf_addf(name, "%s-%s-%ld.tape", l->program.conf.queue_id, iso, (long)getpid());
}

static enum sf_status record(struct sf_loader *l)
{
    const struct sf_conf *conf = &l->program.conf;
    struct sf_error *err = &l->program.failure;
    struct sf_buf name, begin;
    enum sf_status status;

    sf_buf_init(&name, 1024);
    sf_buf_init(&begin, BEGIN_MAX);
    name_tape(l, &name);
    print_begin(l, &begin);
    status = sf_buf_status(&begin, err);
    if (status == SF_OK)
        status = sf_buf_status(&name, err);
    if (status == SF_OK)
        status = tape_writer_open(l->program.loop, conf->tape_record, sf_buf_cstr(&name),
                                  on_over, l, &l->tape.writer, err);
    if (status == SF_OK)
        tape_write_begin(l->tape.writer, sf_buf_str(&begin));
    sf_buf_release(&name);
    sf_buf_release(&begin);
    return status;
}

/* ----------------------------------------------------------------------------- playing
 */

static bool is_full(void *arg)
{
    const struct sf_loader *l = arg;

    return l->is_full;
}

static bool is_idle(void *arg)
{
    const struct sf_loader *l = arg;

    return !l->is_full && !l->first && sf_spooling_is_drained(l) &&
           sf_producer_pending(l->program.producer) == 0;
}

static void on_end(void *arg)
{
    sf_loader_complete(arg);
}

static void on_fail(void *arg, const struct sf_error *err)
{
    sf_loader_fail(arg, err);
}

/* What the recorded run knew: its number, and where its symbols stood. */
struct begin {
    struct sf_str type, exchange;
    int64_t run;
    size_t symbols_n;
    bool is_same; /* symbols as those of the settings, in their order */
};

static bool next_int(struct sf_scan *s, int64_t *ret_n)
{
    return sf_scan_next(s) == SF_TOK_NUMBER && sf_str_to_i64(s->text, ret_n) == SF_OK;
}

/* [["BTCUSDT",first,last,records,last_ms],...]; into the lanes when @is_taken. */
static bool read_symbols(struct sf_loader *l, struct sf_scan *s, struct begin *b,
                         bool is_taken)
{
    struct sf_loader_past past = { 0 };
    enum sf_token token;

    if (sf_scan_next(s) != SF_TOK_ARRAY)
        return false;
    while ((token = sf_scan_next(s)) == SF_TOK_ARRAY) {
        struct lane *lane = b->symbols_n < l->lanes_n ? &l->lanes[b->symbols_n] : NULL;

        if (sf_scan_next(s) != SF_TOK_STRING)
            return false;
        if (!lane || !sf_str_eq(s->text, lane->symbol))
            b->is_same = false;
        if (!next_int(s, &past.first) || !next_int(s, &past.last) ||
            !next_int(s, &past.records) || !next_int(s, &past.last_ms) ||
            sf_scan_next(s) != SF_TOK_ARRAY_END)
            return false;
        if (lane && is_taken) {
            lane->past = past;
            lane->position = past.last;
        }
        b->symbols_n++;
    }
    return token == SF_TOK_ARRAY_END;
}

static bool read_begin(struct sf_loader *l, struct sf_str json, struct begin *b,
                       bool is_taken)
{
    struct sf_scan s;
    bool is_good = true;

    *b = (struct begin){
        .type = SF_STR_EMPTY, .exchange = SF_STR_EMPTY, .run = 1, .is_same = true
    };
    sf_scan_init(&s, json);
    (void)sf_scan_next(&s);
    while (is_good && sf_scan_next(&s) == SF_TOK_KEY) {
        struct sf_str *text = sf_str_eq(s.text, SF_STR("type"))       ? &b->type
                              : sf_str_eq(s.text, SF_STR("exchange")) ? &b->exchange
                                                                      : NULL;

        if (text) {
            is_good = sf_scan_next(&s) == SF_TOK_STRING;
            *text = s.text;
        } else if (sf_str_eq(s.text, SF_STR("run"))) {
            is_good = next_int(&s, &b->run);
        } else if (sf_str_eq(s.text, SF_STR("symbols"))) {
            is_good = read_symbols(l, &s, b, is_taken);
        } else {
            is_good = sf_scan_skip(&s);
        }
    }
    return is_good;
}

/* A tape of another queue's kind cannot become this one's records. */
static enum sf_status take_begin(struct sf_loader *l, struct sf_str json)
{
    const struct sf_conf *conf = &l->program.conf;
    struct sf_error *err = &l->program.failure;
    bool is_new = l->run == 1;
    struct begin b;

    if (!read_begin(l, json, &b, false))
        return sf_error_set(err, SF_EPROTO,
                            "TAPE_REPLAY='%.200s': its begin is malformed",
                            conf->tape_replay);
    if (!sf_str_eq(b.type, sf_str_from(conf->type)) ||
        !sf_str_eq(b.exchange, sf_str_from(conf->exchange)))
        return sf_error_set(err, SF_EINVAL,
                            "TAPE_REPLAY='%.200s': recorded with TYPE='%" SF_STR_FMT
                            "' EXCHANGE='%" SF_STR_FMT "', expected '%s' '%s'",
                            conf->tape_replay, SF_STR_ARG(b.type), SF_STR_ARG(b.exchange),
                            conf->type, conf->exchange);
    if (!b.is_same || b.symbols_n != l->lanes_n)
        return sf_error_set(err, SF_EINVAL,
                            "TAPE_REPLAY='%.200s': recorded with another SYMBOL: "
                            "expected the same ones in the same order",
                            conf->tape_replay);
    for (size_t i = 0; i < l->lanes_n; i++)
        is_new = is_new && l->lanes[i].past.last < 0;
    if (is_new && read_begin(l, json, &b, true))
        l->run = b.run;
    return SF_OK;
}

static enum sf_status play(struct sf_loader *l)
{
    const struct tape_player_opts opts = {
        .loop = l->program.loop,
        .path = l->program.conf.tape_replay,
        .speed = l->program.conf.tape_speed,
        .is_full = is_full,
        .on_end = on_end,
        .is_idle = is_idle,
        .on_fail = on_fail,
        .arg = l,
    };
    struct sf_str begin;
    enum sf_status status =
        tape_player_open(&opts, &begin, &l->tape.player, &l->program.failure);

    return status == SF_OK && begin.len > 0 ? take_begin(l, begin) : status;
}

enum sf_status sf_loader_open_tape(struct sf_loader *l)
{
    const struct sf_conf *conf = &l->program.conf;

    if (!(l->spec->scopes & SF_SCOPE_LIVE))
        return SF_OK;
    if (conf->tape_replay[0] != '\0')
        return play(l);
    return conf->tape_record[0] != '\0' ? record(l) : SF_OK;
}

void sf_loader_close_tape(struct sf_loader *l)
{
    tape_writer_close(l->tape.writer);
    tape_player_close(l->tape.player);
    l->tape = (struct sf_tape){ NULL, NULL };
}

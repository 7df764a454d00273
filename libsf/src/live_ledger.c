/* The ledger of live trades: what was repaired, what is missing, what is covered. */
#include "live_trades.h"

/* Coverage that did not grow is told again every so often (10 minutes): who begins anew
 * reads no more of the topic than that. */
#define AGAIN_EVERY 60

static struct sf_gap row(const struct live_symbol *s, int64_t from, int64_t to)
{
    return (struct sf_gap){ .exchange = sf_str_from(s->t->conf->exchange),
                            .symbol = s->symbol,
                            .kind = sf_str_from(s->t->ledger_kind),
                            .from = from,
                            .to = to };
}

void sf_ledger_pieces(struct live_symbol *s, const struct sequence_piece *pieces, int n)
{
    for (int i = 0; i < n; i++) {
        struct sf_gap gap = row(s, pieces[i].from, pieces[i].to - 1);

        gap.cause = sf_str_from(s->cause);
        gap.is_repaired = pieces[i].is_repaired;
        gap.records = pieces[i].to - pieces[i].from;
        gap.took_ms = s->hole_us > 0 ? (sf_mono_us() - s->hole_us) / 1000 : 0;
        sf_loader_gap(s->t->l, &gap);
        if (gap.is_repaired)
            s->t->repaired += gap.records;
    }
}

static void cover(struct live_symbol *s)
{
    struct sf_gap range = row(s, s->first, s->seq.next - 1);

    if (s->first < 0 || range.to < range.from || s->covered == range.to)
        return;
    s->covered = range.to;
    sf_loader_coverage(s->t->l, &range);
}

void sf_ledger_coverage(void *arg)
{
    struct live_trades *t = arg;
    bool is_again = ++t->coverage_n % AGAIN_EVERY == 0;

    for (size_t i = 0; i < t->symbols_n; i++) {
        if (is_again && !t->symbols[i].seq.is_blocked) /* Kafka takes nothing: not now */
            t->symbols[i].covered = -1;
        cover(&t->symbols[i]);
    }
}

/* A writer against a scripted ArangoDB: a model that stores documents in the order of the
 * array, as the real one does, and fails as each case wants. */
#ifndef TESTS_ARANGO_MODEL_H
#define TESTS_ARANGO_MODEL_H

#include "fake_http.h"

#include <sf/arango.h>

#define KEYS 64   /* "k0".."k63" */
#define TAGS 8192 /* documents of a test at most */
#define WAIT 8000 /* ms until a test gives up; back-offs are far shorter */

/* What the model does with request @n, with one document of it. */
struct model;
typedef bool (*request_fn)(struct model *m, const struct fake_request *req,
                           struct fake_answer *a);
typedef int (*doc_fn)(struct model *m, int key, int64_t value); /* 0, or an errorNum */

struct model {
    request_fn on_request; /* true: it has answered */
    doc_fn on_doc;
    int64_t stored[KEYS]; /* the value now in the database, -1: none */
    int writes;           /* documents accepted, repeats included */
    int requests, judged; /* POSTs of documents; those without silent */
    size_t largest;       /* documents in one request */
    uint64_t seed;
    int step;

    struct sf_loop *loop;
    const char *urls; /* NULL: two */
    struct sf_conf conf;
    struct sf_arango *arango;
    struct sf_arango_writer *writer;
    int64_t told[TAGS]; /* times that a tag was told */
    int refused, last_error_num, rooms, aways, backs;
    bool is_done; /* nothing is pending */
    bool is_fatal;
    struct sf_error fatal, away_why;
    char last_text[256], last_doc[256];
    int64_t order[KEYS]; /* highest value told for a key */
};

uint32_t roll(struct model *m); /* random, by m->seed */
bool has_word(struct sf_str s, const char *word);
/* Do what req asks: the answer of a healthy server, but for on_doc. */
void store_array(struct model *m, const struct fake_request *req, struct fake_answer *a);

/* A client, and with open_writer a writer, of m->urls. */
void open_model(struct model *m);
void open_writer(struct model *m, unsigned lanes, size_t docs, size_t bytes);
void close_model(struct model *m);

enum sf_status put(struct model *m, int key, int tag);
/* Put @n documents with tags 0..n-1, letting the loop work when a lane is full, and wait
 * for the last answer. */
void put_all(struct model *m, int n, int keys);

void check_all_told_once(const struct model *m, int n);
/* Each key holds its last value. */
void check_stored(const struct model *m, int n, int keys);

#endif

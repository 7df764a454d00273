/* The life of a connector: a queue's topic into ArangoDB, exactly once by _key.
 *
 * Consumes from the earliest offset, writes documents through arango.h, sends what the
 * database refuses to the dead-letter topic, commits what is confirmed, follows control
 * commands, finishes behind the end records (DESIGN section 9). One thread, one loop. */
#ifndef SF_CONNECTOR_H
#define SF_CONNECTOR_H

#include <sf/arango.h>
#include <sf/event.h>
#include <sf/record.h>

struct sf_connector_spec {
    const char *image; /* "arango-candles" */
    const char *what;
    const char *version_attribute;         /* NULL: none */
    const struct sf_arango_index *indexes; /* of the data collection */
    size_t indexes_n;
};

/* main() of a connector: returns the exit code (docs/OPERATIONS.md). */
int sf_connector_main(const struct sf_connector_spec *spec, int argc, char **argv);

#endif

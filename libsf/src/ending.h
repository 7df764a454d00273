/* Is the end record that was read the end of this queue?
 *
 * A range may be extended after its queue was complete: records then follow the end
 * record, or will, when its loader has begun. Pure; one thread. */
#ifndef SF_ENDING_H
#define SF_ENDING_H

#include <sf/record.h>

struct sf_ending {
    int64_t offset; /* of the last end record, -1 none */
    int64_t last;   /* highest position that it counts */
    int64_t to_ms;  /* end of the range it closes; INT64_MAX: it names none */
};

void sf_ending_clear(struct sf_ending *e);
/* An end record stands at @offset. A later one of a shorter range takes nothing back. */
void sf_ending_take(struct sf_ending *e, int64_t offset, const struct sf_end *end);
/* A data record at @position follows. Of a queue of one symbol (@is_alone) an end that
 * counts it already stays: positions of several say nothing about each other. */
void sf_ending_follow(struct sf_ending *e, int64_t position, bool is_alone);
/* Does it close everything up to @wanted_ms (0: whatever it closes)? */
bool sf_ending_is_final(const struct sf_ending *e, int64_t wanted_ms);

#endif

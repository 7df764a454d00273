/* The command line of sf-store. */
#ifndef STORE_OPTIONS_H
#define STORE_OPTIONS_H

#include "store.h"

#include <sf/log.h>

struct options {
    struct store_opts store;
    enum sf_log_level log_level;
    bool wants_help, wants_version;
};

/* Views into @argv and the environment. Errors: SF_EINVAL, with what was expected. */
enum sf_status options_parse(int argc, char **argv, struct options *ret,
                             struct sf_error *err) SF_MUST_CHECK;
/* What --help prints. */
void options_print(void);

#endif

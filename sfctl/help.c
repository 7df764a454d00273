/* The tables of commands and options, and what is printed from them. */
#include "sfctl.h"

#include <stdio.h>

#define OUT_MAX 65536
#define FILTERS " --status --symbol --type --pipeline "

/* clang-format off */
const struct command commands[] = {
    { "start", "FIELD=VALUE...", "start a queue; fields: sfctl help start", 1, 64, cmd_start, " --file --key --dry-run --wait --quiet " },
    { "list", "", "queues in order of creation", 0, 0, cmd_list, FILTERS "--quiet " },
    { "show", "QUEUE", "one queue with its members", 1, 1, cmd_show, "" },
    { "watch", "[QUEUE...]", "queues as they go on: these until they are over, or all until Ctrl-C", 0, CTL_ARGS_MAX, cmd_watch, FILTERS },
    { "stop", "QUEUE...", "stop: the loader first, then the connector when all is stored", 1, CTL_ARGS_MAX, cmd_stop, " --all --wait --quiet " },
    { "pause", "QUEUE...", "pause; a live queue repairs what it missed when it resumes", 1, CTL_ARGS_MAX, cmd_pause, " --quiet " },
    { "resume", "QUEUE...", "go on after a pause", 1, CTL_ARGS_MAX, cmd_resume, " --quiet " },
    { "ping", "QUEUE...", "ask the members for a pong, an event", 1, CTL_ARGS_MAX, cmd_ping, " --quiet " },
    { "delete", "QUEUE...", "forget queues that are over; documents stay without --collection", 1, CTL_ARGS_MAX, cmd_delete, " --collection " },
    { "events", "QUEUE", "its changes of status, gaps and pongs", 1, 1, cmd_events, "" },
    { "gaps", "QUEUE", "gaps among its events; the database's collection gaps has all of them", 1, 1, cmd_gaps, "" },
    { "logs", "QUEUE", "the end of what a member wrote", 1, 1, cmd_logs, " --member --bytes " },
    { "types", "", "what can be started; with --all what is planned, too", 0, 0, cmd_types, " --all --quiet " },
    { "completion", "", "for bash: source <(sfctl completion)", 0, 0, cmd_completion, "" },
    { "help", "[COMMAND]", "this, or more of a command", 0, 1, cmd_help, "" },
    { .name = NULL },
};

#define AT(member) offsetof(struct ctl, member)
const struct option options[] = {
    { "--url", "URL", AT(url), true, "of the manager; else MANAGER_URL, else http://127.0.0.1:8080" },
    { "--json", NULL, AT(is_json), true, "what the manager answered, for programs" },
    { "--quiet", NULL, AT(is_quiet), false, "names only, one a line" },
    { "--status", "STATUS", AT(status), false, "only queues of this status" },
    { "--symbol", "SYMBOL", AT(symbol), false, "only of this symbol or group" },
    { "--type", "TYPE", AT(type), false, "only of this TYPE" },
    { "--pipeline", "ID", AT(pipeline), false, "only of this pipeline" },
    { "--file", "PATH", AT(file), false, "the request as JSON, a pipeline too; - for stdin" },
    { "--key", "KEY", AT(key), false, "Idempotency-Key: the same request again starts nothing twice" },
    { "--dry-run", NULL, AT(is_dry), false, "tell what would be started" },
    { "--wait", NULL, AT(waits), false, "watch until it is over" },
    { "--all", NULL, AT(is_all), false, "all of them" },
    { "--collection", "NAME", AT(collection), false, "its collection_name: delete the documents, too" },
    { "--member", "NAME", AT(member), false, "loader (default), connector, or an image" },
    { "--bytes", "N", AT(bytes), false, "at most so many, to 1048576" },
    { .name = NULL },
};

static const char codes[] =
    "\nMANAGER_TOKEN, or the file of MANAGER_TOKEN_FILE, is sent as the token. CA_PATH: authorities of https.\n"
    "Exit codes: 0 done, 1 refused by the manager, 2 usage, 3 no manager answered, 4 a queue that was waited for\n"
    "ended otherwise: start --wait and watch expect finished, stop --wait finished or interrupted.\n";
/* clang-format on */

const struct command *command_find(const char *name)
{
    for (const struct command *command = commands; command->name; command++)
        if (strcmp(command->name, name) == 0)
            return command;
    return NULL;
}

bool command_takes(const struct command *command, const struct option *option)
{
    char mark[64];

    (void)snprintf(mark, sizeof(mark), " %s ", option->name);
    return option->is_general || strstr(command->options, mark);
}

static void add_option(struct sf_buf *b, const struct option *o)
{
    char left[64];

    (void)snprintf(left, sizeof(left), "%s%s%s", o->name, o->value ? " " : "",
                   o->value ? o->value : "");
    sf_buf_addf(b, "  %-20s %s\n", left, o->what);
}

static void add_all(struct sf_buf *b)
{
    char left[64];

    sf_buf_add_lit(b, "sfctl: queues of market data, started, followed and stopped over "
                      "queue-manager's API\n\nsfctl COMMAND [ARGUMENTS] [OPTIONS]\n\n");
    for (const struct command *k = commands; k->name; k++) {
        (void)snprintf(left, sizeof(left), "%s %s", k->name, k->args);
        sf_buf_addf(b, "  %-20s %s\n", left, k->what);
    }
    sf_buf_add_lit(b, "\nOptions of every command:\n");
    for (const struct option *o = options; o->name; o++)
        if (o->is_general)
            add_option(b, o);
    sf_buf_add_str(b, sf_str_from(codes));
}

static void add_one(struct sf_buf *b, const struct command *command)
{
    sf_buf_addf(b, "sfctl %s %s\n%s\n\n", command->name, command->args, command->what);
    for (const struct option *o = options; o->name; o++)
        if (command_takes(command, o))
            add_option(b, o);
    if (command->run == cmd_start) {
        sf_buf_add_lit(b, "\nFields:\n");
        request_print_fields(b);
    }
}

int cmd_help(struct ctl *c)
{
    const struct command *command = c->args_n > 0 ? command_find(c->args[0]) : NULL;
    struct sf_buf b;
    int code;

    if (c->args_n > 0 && !command) {
        (void)fprintf(stderr, "sfctl: no such command: '%.200s'\n", c->args[0]);
        return CTL_USAGE;
    }
    sf_buf_init(&b, OUT_MAX);
    if (command)
        add_one(&b, command);
    else
        add_all(&b);
    code = print_flush(&b);
    sf_buf_release(&b);
    return code;
}

/* -------------------------------------------------------------------------- completion
 */

static void add_words(struct sf_buf *b, const struct command *command)
{
    for (const struct option *o = options; o->name; o++)
        if (command_takes(command, o))
            sf_buf_addf(b, "%s ", o->name);
}

/* clang-format off */
static const char head[] =
    "# bash completion of sfctl, printed from its tables: source <(sfctl completion)\n"
    "_sfctl() {\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} words='' ids='' command=${COMP_WORDS[1]}\n"
    "    COMPREPLY=()\n"
    "    if [ \"$cur\" = = ]; then cur=; else [ \"$before\" != = ] || before=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
    "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
    "        mapfile -t COMPREPLY < <(compgen -W '";
static const char types[] =
    "' -- \"$cur\")\n        return\n    fi\n"
    "    if [ \"$before\" = type ] || [ \"$before\" = --type ]; then\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$(sfctl types --quiet 2>/dev/null)\" -- \"$cur\")\n"
    "        return\n    fi\n"
    "    case $command in\n";
static const char tail[] =
    "    esac\n"
    "    [ -z \"$ids\" ] || [[ $cur == -* ]] || words=$(sfctl list --quiet 2>/dev/null)\n"
    "    [[ $words != *= ]] || compopt -o nospace 2>/dev/null\n"
    "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
    "}\n"
    "complete -F _sfctl sfctl\n";
/* clang-format on */

int cmd_completion(struct ctl *c)
{
    struct sf_buf b;
    int code;

    (void)c;
    sf_buf_init(&b, OUT_MAX);
    sf_buf_add_str(&b, sf_str_from(head));
    for (const struct command *k = commands; k->name; k++)
        sf_buf_addf(&b, "%s ", k->name);
    sf_buf_add_str(&b, sf_str_from(types));
    for (const struct command *k = commands; k->name; k++) {
        sf_buf_addf(&b, "    %s) %s words='", k->name,
                    strstr(k->args, "QUEUE") ? "ids=1" : "ids=''");
        add_words(&b, k);
        if (k->run == cmd_start)
            request_print_names(&b);
        if (k->run == cmd_help)
            for (const struct command *other = commands; other->name; other++)
                sf_buf_addf(&b, "%s ", other->name);
        sf_buf_add_lit(&b, "' ;;\n");
    }
    sf_buf_add_str(&b, sf_str_from(tail));
    code = print_flush(&b);
    sf_buf_release(&b);
    return code;
}

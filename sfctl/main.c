/* sfctl: queues from the command line, over the API of queue-manager. */
#include "sfctl.h"

#include <sf/conf.h>

#include <stdio.h>

#define TOKEN_MAX 4096

static int usage(const char *what, const char *shown)
{
    (void)fprintf(stderr, "sfctl: %s '%.200s'; sfctl help lists what there is\n", what,
                  shown);
    return CTL_USAGE;
}

/* One option, at *i; its value is behind '=' or the next argument. CTL_DONE or the exit
 * code. */
static int take_option(struct ctl *c, const struct command *command, char **argv, int *i)
{
    struct sf_str rest, name = sf_str_cut(sf_str_from(argv[*i]), '=', &rest);
    bool has_value = argv[*i][name.len] == '=';
    const struct option *o = options;

    while (o->name && !sf_str_eq(name, sf_str_from(o->name)))
        o++;
    if (!o->name || (command && !command_takes(command, o)))
        return usage("no such option here:", argv[*i]);
    if (!o->value && has_value)
        return usage("takes no value:", argv[*i]);
    if (o->value && !has_value && !argv[*i + 1])
        return usage("expects a value:", argv[*i]);
    if (!o->value)
        *(bool *)((char *)c + o->at) = true;
    else if (has_value)
        *(const char **)((char *)c + o->at) = rest.p;
    else
        *(const char **)((char *)c + o->at) = argv[++*i];
    return CTL_DONE;
}

static int parse(struct ctl *c, int argc, char **argv, const struct command **ret)
{
    const struct command *command = NULL;
    int code = CTL_DONE;

    for (int i = 1; i < argc && code == CTL_DONE; i++) {
        if (strcmp(argv[i], "--help") == 0)
            c->wants_help = true;
        else if (argv[i][0] == '-' && argv[i][1] != '\0')
            code = take_option(c, command, argv, &i);
        else if (!command && !(command = command_find(argv[i])))
            code = usage("no such command:", argv[i]);
        else if (strcmp(argv[i], command->name) == 0 && c->args_n == 0 && !*ret)
            *ret = command;
        else if (c->args_n < CTL_ARGS_MAX && c->args_n < command->args_max)
            c->args[c->args_n++] = argv[i];
        else
            code = usage("too many arguments:", argv[i]);
    }
    return code;
}

/* The token of MANAGER_TOKEN, or of the file that MANAGER_TOKEN_FILE names, to @dst. Not
 * of an option: process lists show those. */
static bool find_token(struct ctl *c, char *dst)
{
    const char *path = sf_conf_env(NULL, "MANAGER_TOKEN_FILE");
    FILE *f;
    size_t n;

    c->token = sf_conf_env(NULL, "MANAGER_TOKEN");
    if (!path || !path[0] || (c->token && c->token[0]))
        return true;
    f = fopen(path, "re");
    n = f ? fread(dst, 1, TOKEN_MAX - 1, f) : 0;
    if (f)
        (void)fclose(f);
    while (n > 0 && (dst[n - 1] == '\n' || dst[n - 1] == '\r'))
        n--;
    dst[n] = '\0';
    c->token = dst;
    if (n == 0)
        (void)fprintf(stderr, "sfctl: MANAGER_TOKEN_FILE: no token in %.400s\n", path);
    return n > 0;
}

static int run(struct ctl *c, const struct command *command)
{
    int code = CTL_AWAY;

    if (c->args_n < command->args_min && !c->is_all && !c->file)
        return usage("arguments are missing:", command->name);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return CTL_AWAY;
    json_object_seed(0);
    if (client_open(c))
        code = command->run(c);
    client_close(c);
    curl_global_cleanup();
    return code;
}

int main(int argc, char **argv)
{
    static const char first[] = "http://127.0.0.1:8080";
    struct ctl c = { .url = sf_conf_env(NULL, "MANAGER_URL"),
                     .ca_path = sf_conf_env(NULL, "CA_PATH") };
    const struct command *command = NULL;
    char token[TOKEN_MAX];
    int code;

    if (!c.url || !c.url[0])
        c.url = first;
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        return puts("sfctl " SF_VERSION) == EOF;
    if (argc == 1 || (argc == 2 && strcmp(argv[1], "--help") == 0)) {
        code = cmd_help(&c);
        return argc == 1 ? CTL_USAGE : code;
    }
    code = parse(&c, argc, argv, &command);
    if (code != CTL_DONE)
        return code;
    if (c.wants_help) { /* of the command, whatever else stands there */
        c.args[0] = command ? command->name : NULL;
        c.args_n = command != NULL;
        return cmd_help(&c);
    }
    if (!command)
        return usage("expected a command, not", argv[1]);
    return find_token(&c, token) ? run(&c, command) : CTL_USAGE;
}

/* About the server: what drivers ask before they work. */
#include "handlers.h"
#include "js.h"
#include "store.h"

#include <sf/time.h>

#include <stdio.h>
#include <unistd.h>

/* The release whose behaviour is followed; drivers choose their calls by it. */
#define ARANGO_VERSION "3.12.5"

void admin_version(struct call *c)
{
    c->status = 200;
    sf_buf_add_lit(&c->out, "{\"server\":\"arango\",\"license\":\"community\","
                            "\"version\":\"" ARANGO_VERSION "\"");
    if (call_flag(c, "details", false))
        sf_buf_addf(&c->out,
                    ",\"details\":{\"architecture\":\"64bit\",\"mode\":\"server\","
                    "\"role\":\"SINGLE\",\"server-version\":\"%s\","
                    "\"sf-store-version\":\"%s\",\"sqlite-version\":\"%s\"}",
                    ARANGO_VERSION, SF_VERSION, sqlite3_libversion());
    sf_buf_add_char(&c->out, '}');
}

void admin_status(struct call *c)
{
    c->status = 200;
    sf_buf_addf(&c->out,
                "{\"server\":\"arango\",\"version\":\"%s\",\"license\":\"community\","
                "\"mode\":\"server\",\"operationMode\":\"server\",\"pid\":%lld,"
                "\"foxxApi\":false,\"host\":\"\",\"serverInfo\":{\"progress\":{\"phase\":"
                "\"in wait\",\"feature\":\"\",\"recoveryTick\":0},\"role\":\"SINGLE\","
                "\"serverId\":\"%" SF_STR_FMT "\",\"maintenance\":false,"
                "\"writeOpsEnabled\":true,\"readOnly\":false}}",
                ARANGO_VERSION, (long long)getpid(),
                SF_STR_ARG(store_server_id(c->store)));
}

void admin_time(struct call *c)
{
    int64_t now_ms = sf_time_now_ms();

    sf_buf_add_char(&c->out, '{');
    call_add_ok(c, 200);
    sf_buf_addf(&c->out, ",\"time\":%lld.%03lld}", (long long)(now_ms / 1000),
                (long long)(now_ms % 1000));
}

void admin_availability(struct call *c)
{
    sf_buf_add_char(&c->out, '{');
    call_add_ok(c, 200);
    sf_buf_add_lit(&c->out, ",\"mode\":\"default\"}");
}

void admin_role(struct call *c)
{
    sf_buf_add_char(&c->out, '{');
    call_add_ok(c, 200);
    sf_buf_add_lit(&c->out, ",\"errorNum\":0,\"role\":\"SINGLE\",\"mode\":\"default\"}");
}

/* Only members of a cluster have an id to tell. Source: the manual, "server id". */
void admin_server_id(struct call *c)
{
    (void)fault_set_http(&c->fault, 500, FAULT_INTERNAL, "not part of a cluster");
}

void admin_mode(struct call *c)
{
    sf_buf_add_char(&c->out, '{');
    call_add_ok(c, 200);
    sf_buf_add_lit(&c->out, ",\"mode\":\"default\"}");
}

void admin_license(struct call *c)
{
    c->status = 200;
    sf_buf_add_lit(&c->out, "{\"license\":\"none\"}");
}

void admin_engine(struct call *c)
{
    c->status = 200;
    sf_buf_add_lit(
        &c->out, "{\"name\":\"rocksdb\",\"supports\":{\"indexes\":[\"primary\",\"edge\","
                 "\"hash\",\"skiplist\",\"ttl\",\"persistent\"],\"aliases\":{"
                 "\"indexes\":{\"skiplist\":\"persistent\",\"hash\":\"persistent\"}}}}");
}

void admin_key_generators(struct call *c)
{
    c->status = 200;
    sf_buf_add_lit(&c->out, "{\"keyGenerators\":[\"autoincrement\",\"padded\","
                            "\"traditional\",\"uuid\"]}");
}

/* What the store answers when it cannot: ArangoDB's error numbers, their HTTP status and
 * text. Source: ArangoDB 3.12, the manual's list of error codes and HTTP API. */
#ifndef STORE_FAULT_H
#define STORE_FAULT_H

#include <sf/err.h>

/* name, number, HTTP status, text */
#define FAULT_MAP(X)                                                                    \
    X(OUT_OF_MEMORY, 3, 500, "out of memory")                                           \
    X(INTERNAL, 4, 500, "internal error")                                               \
    X(NOT_IMPLEMENTED, 9, 501, "not implemented")                                       \
    X(BAD_PARAMETER, 10, 400, "bad parameter")                                          \
    X(FORBIDDEN, 11, 403, "forbidden")                                                  \
    X(TYPE, 14, 400, "type error")                                                      \
    X(SHUTTING_DOWN, 30, 503, "shutdown in progress")                                   \
    X(RESOURCE_LIMIT, 32, 500, "resource limit exceeded")                               \
    X(HTTP_BAD, 400, 400, "bad parameter")                                              \
    X(HTTP_UNAUTHORIZED, 401, 401, "not authorized to execute this request")            \
    X(HTTP_NOT_FOUND, 404, 404, "not found")                                            \
    X(HTTP_METHOD, 405, 405, "method not supported")                                    \
    X(HTTP_TOO_LARGE, 413, 413, "request body too large")                               \
    X(HTTP_NOT_IMPLEMENTED, 501, 501, "not implemented")                                \
    X(CORRUPTED_JSON, 600, 400, "invalid JSON object")                                  \
    X(SUPERFLUOUS, 601, 400, "superfluous URL suffices")                                \
    X(READ_ONLY, 1004, 403, "read only")                                                \
    X(DISK_FULL, 1104, 500, "filesystem full")                                          \
    X(CONFLICT, 1200, 409, "conflict")                                                  \
    X(NO_DOCUMENT, 1202, 404, "document not found")                                     \
    X(NO_COLLECTION, 1203, 404, "collection or view not found")                         \
    X(NO_COLLECTION_PARAM, 1204, 400, "parameter 'collection' not found")               \
    X(BAD_HANDLE, 1205, 400, "illegal document identifier")                             \
    X(DUPLICATE_NAME, 1207, 409, "duplicate name")                                      \
    X(BAD_NAME, 1208, 400, "illegal name")                                              \
    X(UNIQUE, 1210, 409, "unique constraint violated")                                  \
    X(NO_INDEX, 1212, 404, "index not found")                                           \
    X(TOO_LARGE, 1216, 400, "document too large")                                       \
    X(BAD_COLLECTION_TYPE, 1218, 400, "collection type invalid")                        \
    X(BAD_KEY, 1221, 400, "illegal document key")                                       \
    X(KEY_UNEXPECTED, 1222, 400, "unexpected document key")                             \
    X(KEY_MISSING, 1226, 400, "missing document key")                                   \
    X(BAD_TYPE, 1227, 400, "invalid document type")                                     \
    X(NO_DATABASE, 1228, 404, "database not found")                                     \
    X(BAD_DATABASE_NAME, 1229, 400, "database name invalid")                            \
    X(USE_SYSTEM, 1230, 403, "operation only allowed in system database")               \
    X(BAD_KEY_GENERATOR, 1232, 400, "invalid key generator")                            \
    X(BAD_EDGE, 1233, 400, "edge attribute missing or invalid")                         \
    X(INDEX_FAILED, 1235, 400, "index creation failed")                                 \
    X(IO_ERROR, 1305, 500, "storage engine I/O error")                                  \
    X(QUERY_KILLED, 1500, 410, "query killed")                                          \
    X(QUERY_PARSE, 1501, 400, "query parse error")                                      \
    X(QUERY_EMPTY, 1502, 400, "query is empty")                                         \
    X(QUERY_RANGE, 1504, 400, "number out of range")                                    \
    X(QUERY_REDECLARED, 1511, 400, "variable is assigned multiple times")               \
    X(QUERY_UNKNOWN_VAR, 1512, 400, "unknown variable")                                 \
    X(QUERY_NESTING, 1524, 400, "too much nesting or too many objects")                 \
    X(QUERY_UNKNOWN_FN, 1540, 400, "usage of unknown function")                         \
    X(QUERY_FN_ARGS, 1541, 400, "invalid number of arguments")                          \
    X(QUERY_FN_TYPE, 1542, 400, "invalid argument type")                                \
    X(QUERY_BIND_INVALID, 1550, 400, "invalid structure of bind parameters")            \
    X(QUERY_BIND_MISSING, 1551, 400, "no value specified for declared bind parameter")  \
    X(QUERY_BIND_UNDECLARED, 1552, 400, "bind parameter was not declared in the query") \
    X(QUERY_BIND_TYPE, 1553, 400, "bind parameter has an invalid value or type")        \
    X(QUERY_ARITHMETIC, 1561, 400, "invalid arithmetic value")                          \
    X(QUERY_DIVISION, 1562, 400, "division by zero")                                    \
    X(QUERY_ARRAY_EXPECTED, 1563, 400, "array expected")                                \
    X(QUERY_DATE, 1572, 400, "invalid date value")                                      \
    X(QUERY_AGGREGATE, 1574, 400, "invalid aggregate expression")                       \
    X(QUERY_OPTIONS, 1575, 400, "query options must be readable at query compile time") \
    X(NO_CURSOR, 1600, 404, "cursor not found")                                         \
    X(CURSOR_BUSY, 1601, 409, "cursor is busy")                                         \
    X(NO_TRANSACTION, 1655, 404, "transaction not found")                               \
    X(USER_BAD_NAME, 1700, 400, "invalid user name")                                    \
    X(USER_DUPLICATE, 1702, 409, "duplicate user")                                      \
    X(USER_NOT_FOUND, 1703, 404, "user not found")                                      \
    X(QUEUE_FULL, 21003, 503, "queue is full")

enum fault_num {
    FAULT_NONE = 0,
#define FAULT_ENUM(name, num, http, text) FAULT_##name = (num),
    FAULT_MAP(FAULT_ENUM)
#undef FAULT_ENUM
};

/* Zero-initialise. The first fault wins. */
struct fault {
    enum fault_num num;
    int http;       /* status of the answer */
    char text[480]; /* clipped */
};

/* Record @num with its HTTP status and the formatted text (NULL: the number's own text).
 * Returns false, so that `return fault_set(...)` is the idiom. */
bool fault_set(struct fault *f, enum fault_num num, const char *fmt, ...) SF_PRINTF(3, 4);
/* The same with another HTTP status than the number's own. */
bool fault_set_http(struct fault *f, int http, enum fault_num num, const char *fmt, ...)
    SF_PRINTF(4, 5);
void fault_clear(struct fault *f);

int fault_http(enum fault_num num);
const char *fault_text(enum fault_num num);

#endif

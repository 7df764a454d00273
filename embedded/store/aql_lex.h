/* AQL's tokens, with the names that ArangoDB's messages have for them. */
#ifndef STORE_AQL_LEX_H
#define STORE_AQL_LEX_H

#include "aql.h"

/* token, spelling of a keyword or NULL, name in messages */
#define AQL_TOKEN_MAP(X)                                                      \
    X(END, NULL, "end of query string")                                       \
    X(BAD, NULL, "invalid character")                                         \
    X(NAME, NULL, "identifier")                                               \
    X(STRING, NULL, "quoted string")                                          \
    X(INTEGER, NULL, "integer number")                                        \
    X(REAL, NULL, "number")                                                   \
    X(PARAM, NULL, "bind parameter")                                          \
    X(SOURCE_PARAM, NULL, "bind data source parameter")                       \
    X(FOR, "FOR", "FOR declaration")                                          \
    X(LET, "LET", "LET declaration")                                          \
    X(FILTER, "FILTER", "FILTER declaration")                                 \
    X(RETURN, "RETURN", "RETURN declaration")                                 \
    X(COLLECT, "COLLECT", "COLLECT declaration")                              \
    X(SORT, "SORT", "SORT declaration")                                       \
    X(LIMIT, "LIMIT", "LIMIT declaration")                                    \
    X(WINDOW, "WINDOW", "WINDOW declaration")                                 \
    X(ASC, "ASC", "ASC keyword")                                              \
    X(DESC, "DESC", "DESC keyword")                                           \
    X(IN, "IN", "IN keyword")                                                 \
    X(WITH, "WITH", "WITH keyword")                                           \
    X(INTO, "INTO", "INTO keyword")                                           \
    X(AGGREGATE, "AGGREGATE", "AGGREGATE keyword")                            \
    X(GRAPH, "GRAPH", "GRAPH keyword")                                        \
    X(SHORTEST_PATH, "SHORTEST_PATH", "SHORTEST_PATH keyword")                \
    X(K_SHORTEST_PATHS, "K_SHORTEST_PATHS", "K_SHORTEST_PATHS keyword")       \
    X(K_PATHS, "K_PATHS", "K_PATHS keyword")                                  \
    X(ALL_SHORTEST_PATHS, "ALL_SHORTEST_PATHS", "ALL_SHORTEST_PATHS keyword") \
    X(DISTINCT, "DISTINCT", "DISTINCT modifier")                              \
    X(REMOVE, "REMOVE", "REMOVE command")                                     \
    X(INSERT, "INSERT", "INSERT command")                                     \
    X(UPDATE, "UPDATE", "UPDATE command")                                     \
    X(REPLACE, "REPLACE", "REPLACE command")                                  \
    X(UPSERT, "UPSERT", "UPSERT command")                                     \
    X(NULL_, "NULL", "null")                                                  \
    X(TRUE_, "TRUE", "true")                                                  \
    X(FALSE_, "FALSE", "false")                                               \
    X(NOT, "NOT", "not operator")                                             \
    X(AND, "AND", "and operator")                                             \
    X(OR, "OR", "or operator")                                                \
    X(LIKE, "LIKE", "like operator")                                          \
    X(OUTBOUND, "OUTBOUND", "outbound modifier")                              \
    X(INBOUND, "INBOUND", "inbound modifier")                                 \
    X(ANY, "ANY", "any modifier")                                             \
    X(ALL, "ALL", "all modifier")                                             \
    X(NONE, "NONE", "none modifier")                                          \
    X(ASSIGN, NULL, "assignment")                                             \
    X(EQ, NULL, "== operator")                                                \
    X(NE, NULL, "!= operator")                                                \
    X(LT, NULL, "< operator")                                                 \
    X(GT, NULL, "> operator")                                                 \
    X(LE, NULL, "<= operator")                                                \
    X(GE, NULL, ">= operator")                                                \
    X(MATCH, NULL, "=~ operator")                                             \
    X(NO_MATCH, NULL, "!~ operator")                                          \
    X(ADD, NULL, "+ operator")                                                \
    X(SUB, NULL, "- operator")                                                \
    X(MUL, NULL, "* operator")                                                \
    X(DIV, NULL, "/ operator")                                                \
    X(MOD, NULL, "% operator")                                                \
    X(QUESTION, NULL, "?")                                                    \
    X(COLON, NULL, ":")                                                       \
    X(SCOPE, NULL, "::")                                                      \
    X(RANGE, NULL, "..")                                                      \
    X(COMMA, NULL, ",")                                                       \
    X(DOT, NULL, ".")                                                         \
    X(OPEN, NULL, "(")                                                        \
    X(CLOSE, NULL, ")")                                                       \
    X(OBJECT_OPEN, NULL, "{")                                                 \
    X(OBJECT_CLOSE, NULL, "}")                                                \
    X(ARRAY_OPEN, NULL, "[")                                                  \
    X(ARRAY_CLOSE, NULL, "]")

enum aql_token {
#define AQL_TOKEN_ENUM(token, word, name) AQL_T_##token,
    AQL_TOKEN_MAP(AQL_TOKEN_ENUM)
#undef AQL_TOKEN_ENUM
};

const char *aql_token_name(enum aql_token token);
const char *aql_token_word(enum aql_token token); /* keyword's spelling, or NULL */

struct aql_lex {
    struct sf_str text;
    struct arena *mem;
    size_t at;            /* next byte */
    size_t begin;         /* of the current token */
    enum aql_token token; /* current */
    struct sf_str raw;    /* its text; NAME, PARAM: without quotes or @ */
    struct sf_str string; /* NAME, STRING: canonical text */
    const char *why;      /* BAD: what is wrong */
};

/* Stands at the first token. */
void aql_lex_init(struct aql_lex *lex, struct arena *mem, struct sf_str text);
void aql_lex_next(struct aql_lex *lex);
/* The token behind the current one; the current one stays. */
enum aql_token aql_lex_peek(const struct aql_lex *lex);
/* 1501: "<what> near '<text at the current token>' at position <line>:<column>". */
bool aql_lex_fault(const struct aql_lex *lex, struct fault *f, const char *what);

#endif

#include "aql_lex.h"

#include <stdio.h>

#define SNIPPET 32 /* bytes of the query in a message, as in ArangoDB */

static const struct {
    const char *word, *name;
} tokens[] = {
#define AQL_TOKEN_ROW(token, word, name) { (word), (name) },
    AQL_TOKEN_MAP(AQL_TOKEN_ROW)
#undef AQL_TOKEN_ROW
};

#define TOKENS_N (sizeof(tokens) / sizeof(tokens[0]))

const char *aql_token_name(enum aql_token token)
{
    return tokens[token].name;
}

const char *aql_token_word(enum aql_token token)
{
    return tokens[token].word;
}

static int peek(const struct aql_lex *lex, size_t ahead)
{
    return lex->at + ahead < lex->text.len ? (unsigned char)lex->text.p[lex->at + ahead]
                                           : -1;
}

static bool is_letter(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static enum aql_token bad(struct aql_lex *lex, const char *why)
{
    lex->why = why;
    return AQL_T_BAD;
}

/* False: a comment without an end. */
static bool skip_space(struct aql_lex *lex)
{
    for (;;) {
        int c = peek(lex, 0);

        if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            lex->at++;
        } else if (c == '/' && peek(lex, 1) == '/') {
            while (peek(lex, 0) >= 0 && peek(lex, 0) != '\n')
                lex->at++;
        } else if (c == '/' && peek(lex, 1) == '*') {
            lex->begin = lex->at;
            lex->at += 2;
            while (peek(lex, 0) >= 0 && !(peek(lex, 0) == '*' && peek(lex, 1) == '/'))
                lex->at++;
            if (peek(lex, 0) < 0)
                return false;
            lex->at += 2;
        } else {
            return true;
        }
    }
}

/* --------------------------------------------------------------------- strings */

/* The inside of a quoted text as JSON between quotes, then canonical: AQL has JSON's
 * escapes, and takes any other escaped character for itself. */
static bool canonical(struct aql_lex *lex, struct sf_str inside, struct sf_str *ret)
{
    struct sf_buf json, out;
    bool is_good;

    sf_buf_init(&json, 64 << 20);
    sf_buf_init(&out, 64 << 20);
    sf_buf_add_char(&json, '"');
    for (size_t i = 0; i < inside.len; i++) {
        char c = inside.p[i];

        if (c == '\\' && i + 1 < inside.len) {
            c = inside.p[++i];
            if (memchr("\"\\/bfnrtu", c, 9))
                sf_buf_add_char(&json, '\\');
            sf_buf_add_char(&json, c);
        } else if (c == '"' || (unsigned char)c < 0x20) {
            sf_buf_add_json(&json, (struct sf_str){ &c, 1 });
        } else {
            sf_buf_add_char(&json, c);
        }
    }
    sf_buf_add_char(&json, '"');
    is_good = json.status == SF_OK && js_canon(sf_buf_str(&json), &out, NULL);
    if (is_good)
        *ret = arena_str(lex->mem, (struct sf_str){ out.p + 1, out.len - 2 });
    sf_buf_release(&json);
    sf_buf_release(&out);
    return is_good;
}

/* At the opening quote @quote. */
static enum aql_token quoted(struct aql_lex *lex, int quote, enum aql_token token)
{
    size_t begin = ++lex->at;

    while (peek(lex, 0) >= 0 && peek(lex, 0) != quote)
        lex->at += peek(lex, 0) == '\\' && peek(lex, 1) >= 0 ? 2 : 1;
    if (peek(lex, 0) < 0)
        return bad(lex, "unexpected unterminated string literal");
    lex->raw = (struct sf_str){ lex->text.p + begin, lex->at - begin };
    lex->at++;
    return canonical(lex, lex->raw, &lex->string) ? token
                                                  : bad(lex, "invalid string literal");
}

/* --------------------------------------------------------------------- numbers */

static enum aql_token based(struct aql_lex *lex, unsigned base, const char *digits)
{
    uint64_t v = 0;
    size_t begin = lex->at += 2;

    for (; peek(lex, 0) >= 0; lex->at++) {
        const char *at = memchr(digits, peek(lex, 0) | 0x20, base);

        if (!at)
            at = memchr(digits, peek(lex, 0), base);
        if (!at)
            break;
        if (v > UINT32_MAX)
            return bad(lex, "invalid number literal value");
        v = v * base + (uint64_t)(at - digits);
    }
    if (lex->at == begin || v > UINT32_MAX)
        return bad(lex, "invalid number literal value");
    {
        char text[24];

        (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
        lex->raw = arena_str(lex->mem, sf_str_from(text));
    }
    return AQL_T_INTEGER;
}

static void pass_digits(struct aql_lex *lex)
{
    while (is_digit(peek(lex, 0)))
        lex->at++;
}

static enum aql_token number(struct aql_lex *lex)
{
    enum aql_token token = AQL_T_INTEGER;
    size_t begin = lex->at;
    int second = peek(lex, 1) | 0x20;

    if (peek(lex, 0) == '0' && second == 'x')
        return based(lex, 16, "0123456789abcdef");
    if (peek(lex, 0) == '0' && second == 'b')
        return based(lex, 2, "01");
    if (peek(lex, 0) == '0')
        lex->at++;
    else
        pass_digits(lex);
    if (peek(lex, 0) == '.' && is_digit(peek(lex, 1))) {
        token = AQL_T_REAL;
        lex->at++;
        pass_digits(lex);
    }
    if ((peek(lex, 0) | 0x20) == 'e' &&
        (is_digit(peek(lex, 1)) ||
         ((peek(lex, 1) == '+' || peek(lex, 1) == '-') && is_digit(peek(lex, 2))))) {
        token = AQL_T_REAL;
        lex->at += 2;
        pass_digits(lex);
    }
    lex->raw = (struct sf_str){ lex->text.p + begin, lex->at - begin };
    return token;
}

/* ----------------------------------------------------------------------- words */

static enum aql_token word(struct aql_lex *lex)
{
    size_t begin = lex->at;

    while (is_letter(peek(lex, 0)) || is_digit(peek(lex, 0)))
        lex->at++;
    lex->raw = (struct sf_str){ lex->text.p + begin, lex->at - begin };
    lex->string = lex->raw;
    for (size_t i = 0; i < TOKENS_N; i++)
        if (tokens[i].word && sf_str_eq_nocase(lex->raw, sf_str_from(tokens[i].word)))
            return (enum aql_token)i;
    return AQL_T_NAME;
}

static enum aql_token param(struct aql_lex *lex)
{
    enum aql_token token = AQL_T_PARAM;
    size_t begin;

    lex->at++;
    if (peek(lex, 0) == '@') {
        token = AQL_T_SOURCE_PARAM;
        lex->at++;
    }
    begin = lex->at;
    while (is_letter(peek(lex, 0)) || is_digit(peek(lex, 0)))
        lex->at++;
    lex->raw = (struct sf_str){ lex->text.p + begin, lex->at - begin };
    return lex->at > begin ? token : bad(lex, "unexpected character");
}

static const struct {
    char text[3];
    enum aql_token token;
} signs[] = {
    { "==", AQL_T_EQ },        { "=~", AQL_T_MATCH },      { "!=", AQL_T_NE },
    { "!~", AQL_T_NO_MATCH },  { "<=", AQL_T_LE },         { ">=", AQL_T_GE },
    { "&&", AQL_T_AND },       { "||", AQL_T_OR },         { "..", AQL_T_RANGE },
    { "::", AQL_T_SCOPE },     { "=", AQL_T_ASSIGN },      { "!", AQL_T_NOT },
    { "<", AQL_T_LT },         { ">", AQL_T_GT },          { "+", AQL_T_ADD },
    { "-", AQL_T_SUB },        { "*", AQL_T_MUL },         { "/", AQL_T_DIV },
    { "%", AQL_T_MOD },        { "?", AQL_T_QUESTION },    { ":", AQL_T_COLON },
    { ",", AQL_T_COMMA },      { ".", AQL_T_DOT },         { "(", AQL_T_OPEN },
    { ")", AQL_T_CLOSE },      { "{", AQL_T_OBJECT_OPEN }, { "}", AQL_T_OBJECT_CLOSE },
    { "[", AQL_T_ARRAY_OPEN }, { "]", AQL_T_ARRAY_CLOSE },
};

static enum aql_token sign(struct aql_lex *lex)
{
    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
        size_t len = strlen(signs[i].text);

        if (peek(lex, 0) != signs[i].text[0] ||
            (len == 2 && peek(lex, 1) != signs[i].text[1]))
            continue;
        lex->at += len;
        return signs[i].token;
    }
    return bad(lex, "unexpected character");
}

static enum aql_token read_token(struct aql_lex *lex)
{
    int c;

    lex->raw = lex->string = SF_STR_EMPTY;
    if (!skip_space(lex))
        return bad(lex, "unexpected unterminated multi-line comment");
    lex->begin = lex->at;
    c = peek(lex, 0);
    if (c < 0)
        return AQL_T_END;
    if (is_letter(c))
        return word(lex);
    if (is_digit(c))
        return number(lex);
    if (c == '"' || c == '\'')
        return quoted(lex, c, AQL_T_STRING);
    if (c == '`')
        return quoted(lex, c, AQL_T_NAME);
    if (c == '@')
        return param(lex);
    return sign(lex);
}

void aql_lex_init(struct aql_lex *lex, struct arena *mem, struct sf_str text)
{
    *lex = (struct aql_lex){ .text = text, .mem = mem };
    lex->token = read_token(lex);
}

void aql_lex_next(struct aql_lex *lex)
{
    lex->token = read_token(lex);
}

enum aql_token aql_lex_peek(const struct aql_lex *lex)
{
    struct aql_lex ahead = *lex;

    return read_token(&ahead);
}

bool aql_lex_fault(const struct aql_lex *lex, struct fault *f, const char *what)
{
    struct sf_str near = { lex->text.p + lex->begin, lex->text.len - lex->begin };
    unsigned line = 1, column = 1;
    const char *dots = "";

    for (size_t i = 0; i < lex->begin; i++) {
        column++;
        if (lex->text.p[i] == '\n') {
            line++;
            column = 1;
        }
    }
    if (near.len > SNIPPET + 3) {
        near.len = SNIPPET;
        while (near.len > 0 && ((unsigned char)near.p[near.len] & 0xc0) == 0x80)
            near.len--;
        dots = "...";
    }
    return fault_set(f, FAULT_QUERY_PARSE,
                     "%s near '%" SF_STR_FMT "%s' at position %u:%u", what,
                     SF_STR_ARG(near), dots, line, column);
}

#include "httpd_head.h"

#include <string.h>

/* RFC 9110, 5.6.2: what a method or a field name is made of. */
static bool is_token(struct sf_str s)
{
    static const char also[] = "!#$%&'*+-.^_`|~";

    for (size_t i = 0; i < s.len; i++) {
        char c = s.p[i];

        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
              (c >= 'a' && c <= 'z') || memchr(also, c, sizeof(also) - 1)))
            return false;
    }
    return s.len > 0;
}

/* Field values: visible characters, blanks and bytes over 127; no other control. */
static bool is_value(struct sf_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

/* A request target has no blank, control character or fragment. */
static bool is_target(struct sf_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c <= 0x20 || c == 0x7f || c == '#')
            return false;
    }
    return s.len > 0;
}

static struct sf_str blanks_cut(struct sf_str s)
{
    while (s.len > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
        s.p++;
        s.len--;
    }
    while (s.len > 0 && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t'))
        s.len--;
    return s;
}

/* The absolute form "http://host/path" counts as its path (RFC 9112, 3.2.2). */
static int parse_target(struct sf_str target, struct sf_httpd_head *head)
{
    static const struct sf_str schemes[] = { { "http://", 7 }, { "https://", 8 } };
    const char *mark;

    if (!is_target(target))
        return 400;
    for (size_t i = 0; i < 2; i++) {
        if (target.len > schemes[i].len &&
            sf_str_eq_nocase(sf_str_make(target.p, schemes[i].len), schemes[i])) {
            const char *end = target.p + target.len;
            const char *slash =
                memchr(target.p + schemes[i].len, '/', target.len - schemes[i].len);

            target = slash ? sf_str_make(slash, (size_t)(end - slash)) : SF_STR("/");
            break;
        }
    }
    if (target.p[0] != '/' &&
        !(sf_str_eq(target, SF_STR("*")) && sf_str_eq(head->method, SF_STR("OPTIONS"))))
        return 400;
    mark = memchr(target.p, '?', target.len);
    head->path = mark ? sf_str_make(target.p, (size_t)(mark - target.p)) : target;
    head->query =
        mark ? sf_str_make(mark + 1, target.len - head->path.len - 1) : SF_STR_EMPTY;
    return 200;
}

/* "GET /path HTTP/1.1": one blank between, nothing else. */
static int parse_request_line(struct sf_str line, struct sf_httpd_head *head)
{
    struct sf_str rest, target, version;

    head->method = sf_str_cut(line, ' ', &rest);
    target = sf_str_cut(rest, ' ', &version);
    if (!is_token(head->method) || version.len != 8 ||
        !sf_str_starts(version, SF_STR("HTTP/")))
        return 400;
    if (sf_str_eq(version, SF_STR("HTTP/1.1")))
        head->is_persistent = true;
    else if (!sf_str_eq(version, SF_STR("HTTP/1.0")))
        return 505;
    return parse_target(target, head);
}

static int parse_field(struct sf_str line, struct sf_httpd_head *head)
{
    const char *colon = memchr(line.p, ':', line.len);
    struct sf_httpd_field *field = &head->fields[head->fields_n];

    if (!colon)
        return 400;
    if (head->fields_n == SF_HTTPD_HEADERS_MAX)
        return 431;
    /* a blank before the colon or at the line's start (folding) is no token */
    field->name = sf_str_make(line.p, (size_t)(colon - line.p));
    field->value =
        blanks_cut(sf_str_make(colon + 1, line.len - (size_t)(colon + 1 - line.p)));
    if (!is_token(field->name) || !is_value(field->value))
        return 400;
    head->fields_n++;
    return 200;
}

static unsigned count_fields(const struct sf_httpd_head *head, struct sf_str name)
{
    unsigned n = 0;

    for (unsigned i = 0; i < head->fields_n; i++)
        n += sf_str_eq_nocase(head->fields[i].name, name);
    return n;
}

struct sf_str sf_httpd_head_field(const struct sf_httpd_head *head, struct sf_str name)
{
    for (unsigned i = 0; i < head->fields_n; i++)
        if (sf_str_eq_nocase(head->fields[i].name, name))
            return head->fields[i].value;
    return SF_STR_EMPTY;
}

static void judge_connection(struct sf_httpd_head *head, struct sf_str value)
{
    while (value.len > 0) {
        struct sf_str option = blanks_cut(sf_str_cut(value, ',', &value));

        if (sf_str_eq_nocase(option, SF_STR("close"))) {
            head->is_persistent = false;
            return; /* close wins over keep-alive */
        }
        if (sf_str_eq_nocase(option, SF_STR("keep-alive")))
            head->is_persistent = true;
    }
}

/* How long the body is, and other things that hang on a field. Two lengths, or a length
 * beside a transfer coding, are how requests are smuggled: refused. */
static int judge_fields(struct sf_httpd_head *head)
{
    struct sf_str coding = sf_httpd_head_field(head, SF_STR("Transfer-Encoding"));
    struct sf_str length = sf_httpd_head_field(head, SF_STR("Content-Length"));
    unsigned codings_n = count_fields(head, SF_STR("Transfer-Encoding"));
    unsigned lengths_n = count_fields(head, SF_STR("Content-Length"));
    unsigned hosts_n = count_fields(head, SF_STR("Host"));

    if (lengths_n > 1 || (lengths_n > 0 && codings_n > 0) || hosts_n > 1 ||
        (hosts_n == 0 && head->is_persistent))
        return 400;
    if (codings_n > 0)
        return sf_str_eq_nocase(coding, SF_STR("chunked")) ? 411 : 501;
    if (lengths_n == 1 && sf_str_to_u64(length, &head->body_len) != SF_OK)
        return 400;
    judge_connection(head, sf_httpd_head_field(head, SF_STR("Connection")));
    head->expects_continue = sf_str_eq_nocase(sf_httpd_head_field(head, SF_STR("Expect")),
                                              SF_STR("100-continue"));
    return 200;
}

/* The next line without its CRLF; false when it ends otherwise. */
static bool take_line(struct sf_str *rest, struct sf_str *ret_line)
{
    const char *lf = memchr(rest->p, '\n', rest->len);
    size_t len;

    if (!lf)
        return false;
    len = (size_t)(lf - rest->p);
    if (len == 0 || rest->p[len - 1] != '\r')
        return false;
    *ret_line = sf_str_make(rest->p, len - 1);
    *rest = sf_str_make(lf + 1, rest->len - len - 1);
    return true;
}

/* Length with the empty line, or 0 when that is not there yet. */
static size_t head_length(struct sf_str in)
{
    size_t n = in.len < SF_HTTPD_HEAD_MAX ? in.len : SF_HTTPD_HEAD_MAX;

    for (size_t i = 3; i < n; i++) {
        const char *lf = memchr(in.p + i, '\n', n - i);

        if (!lf)
            return 0;
        i = (size_t)(lf - in.p);
        if (memcmp(lf - 3, "\r\n\r", 3) == 0)
            return i + 1;
    }
    return 0;
}

int sf_httpd_head_parse(struct sf_str in, struct sf_httpd_head *ret_head)
{
    struct sf_str rest, line;
    int status;

    ret_head->len = head_length(in);
    ret_head->fields_n = 0;
    ret_head->body_len = 0;
    ret_head->is_persistent = false;
    ret_head->expects_continue = false;
    if (in.len > 0 && !is_token(sf_str_make(in.p, 1)))
        return 400; /* a TLS hello, say: its peer would wait for ever */
    if (ret_head->len == 0)
        return in.len >= SF_HTTPD_HEAD_MAX ? 431 : 0;
    rest = sf_str_make(in.p, ret_head->len);
    if (!take_line(&rest, &line))
        return 400;
    status = parse_request_line(line, ret_head);
    while (status == 200) {
        if (!take_line(&rest, &line))
            return 400;
        if (line.len == 0)
            return judge_fields(ret_head);
        status = parse_field(line, ret_head);
    }
    return status;
}

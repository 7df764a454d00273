/* Access paths: what a FOR's conditions say about where its documents are.
 *
 * A path only narrows the search; the filters still run, so a path may be wider than its
 * conditions but never narrower. */
#include "aql.h"

/* Index fields that may not stand for an attribute: sparse ones lack documents, [*] has
 * several entries a document. */
static bool is_usable(const struct cat_index *x)
{
    if (x->kind != CAT_PERSISTENT || x->is_sparse)
        return false;
    for (size_t i = 0; i < x->fields_n; i++)
        if (x->fields[i].expand_at >= 0)
            return false;
    return true;
}

/* -------------------------------------------------------------------- conditions */

/* Does @n depend only on what is known before the variable @slot? */
static bool is_early(const struct aql_node *n, unsigned slot)
{
    const struct aql_node *parts[] = { n->a, n->b, n->c };

    if (n->kind == AQL_CURRENT || n->kind == AQL_SUBQUERY ||
        (n->kind == AQL_VAR && n->slot >= slot))
        return false;
    for (size_t i = 0; i < 3; i++)
        if (parts[i] && !is_early(parts[i], slot))
            return false;
    for (const struct aql_node *item = n->list; item; item = item->next)
        if (!is_early(item, slot))
            return false;
    return true;
}

/* Is @n the attribute variable.steps[0].steps[1]... ? */
static bool is_path(const struct aql_node *n, unsigned slot, const struct sf_str *steps,
                    size_t steps_n)
{
    for (; steps_n > 0; steps_n--, n = n->a)
        if (n->kind != AQL_ATTR || !sf_str_eq(n->name, steps[steps_n - 1]))
            return false;
    return n->kind == AQL_VAR && n->slot == slot;
}

static enum aql_op mirrored(enum aql_op op)
{
    switch ((int)op) {
    case AQL_LT:
        return AQL_GT;
    case AQL_LE:
        return AQL_GE;
    case AQL_GT:
        return AQL_LT;
    case AQL_GE:
        return AQL_LE;
    default:
        return op;
    }
}

struct search {
    unsigned slot;
    const struct sf_str *steps;
    size_t steps_n;
    enum aql_op ops[2]; /* wanted: the strict form and the one with equality */
};

/* In a tree of ANDs: the value that the attribute is compared with; NULL: none. */
static struct aql_node *find_in(const struct aql_node *n, const struct search *s)
{
    struct aql_node *found;
    enum aql_op op = n->op;

    if (n->kind != AQL_BINARY)
        return NULL;
    if (op == AQL_AND) {
        found = find_in(n->a, s);
        return found ? found : find_in(n->b, s);
    }
    if ((op == s->ops[0] || op == s->ops[1]) &&
        is_path(n->a, s->slot, s->steps, s->steps_n) && is_early(n->b, s->slot))
        return n->b;
    op = mirrored(op);
    if (op != AQL_IN && (op == s->ops[0] || op == s->ops[1]) &&
        is_path(n->b, s->slot, s->steps, s->steps_n) && is_early(n->a, s->slot))
        return n->a;
    return NULL;
}

/* Conditions that every row which leaves the query has passed: filters up to a LIMIT. */
static struct aql_node *find(const struct aql_stage *from, const struct search *s)
{
    struct aql_node *found = NULL;

    for (; from && !found; from = from->next) {
        if (from->kind == AQL_LIMIT || from->kind == AQL_COLLECT ||
            from->kind == AQL_RETURN)
            return NULL;
        if (from->kind == AQL_FILTER)
            found = find_in(from->expr, s);
    }
    return found;
}

/* ------------------------------------------------------------------------- paths */

static struct aql_node *find_path(const struct aql_stage *s, const struct cat_path *path,
                                  enum aql_op strict, enum aql_op loose)
{
    struct search what = { s->slot, path->steps, path->steps_n, { strict, loose } };

    return find(s->next, &what);
}

static bool by_key(struct aql_stage *s)
{
    static const char *const names[] = { "_key", "_id" };

    for (int i = 0; i < 2; i++) {
        struct sf_str step = sf_str_from(names[i]);
        struct search what = { s->slot, &step, 1, { AQL_EQ, AQL_IN } };

        s->path.key = find(s->next, &what);
        if (s->path.key) {
            s->path.access = AQL_BY_KEY;
            s->path.is_id = i == 1;
            return true;
        }
    }
    return false;
}

/* Fill @ret with what the conditions say about the index's first fields; returns how much
 * that is worth, 0: nothing. */
static size_t match_index(const struct aql_query *q, const struct aql_stage *s,
                          const struct cat_index *x, struct aql_path *ret)
{
    *ret = (struct aql_path){ .access = AQL_BY_INDEX, .index = x };
    ret->equals = arena_alloc(q->mem, x->fields_n * sizeof(struct aql_node *));
    while (ret->equals && ret->equals_n < x->fields_n) {
        struct aql_node *n = find_path(s, &x->fields[ret->equals_n], AQL_EQ, AQL_EQ);

        if (!n)
            break;
        ret->equals[ret->equals_n++] = n;
    }
    if (ret->equals && ret->equals_n < x->fields_n) {
        ret->low = find_path(s, &x->fields[ret->equals_n], AQL_GT, AQL_GE);
        ret->high = find_path(s, &x->fields[ret->equals_n], AQL_LT, AQL_LE);
    }
    return 4 * ret->equals_n + 2 * (ret->low != NULL) + (ret->high != NULL);
}

static void by_index(const struct aql_query *q, struct aql_stage *s)
{
    size_t best = 0;

    for (size_t i = 0; i < s->collection->indexes_n; i++) {
        struct aql_path path;
        size_t worth;

        if (!is_usable(&s->collection->indexes[i]))
            continue;
        worth = match_index(q, s, &s->collection->indexes[i], &path);
        if (worth > best) {
            best = worth;
            s->path = path;
        }
    }
}

/* ------------------------------------------------------------------------- order */

/* Do the keys of @sort follow the fields of @x, behind the first @equals_n (each has one
 * value, so keys on them do not matter)? */
static bool is_in_order(const struct aql_stage *sort, const struct cat_index *x,
                        size_t equals_n, unsigned slot)
{
    size_t at = equals_n;

    for (const struct aql_sort_key *key = sort->keys; key; key = key->next) {
        bool is_equal = false;

        if (key->is_descending != sort->keys->is_descending)
            return false;
        for (size_t i = 0; i < equals_n && !is_equal; i++)
            is_equal = is_path(key->expr, slot, x->fields[i].steps, x->fields[i].steps_n);
        if (is_equal)
            continue;
        if (at == x->fields_n ||
            !is_path(key->expr, slot, x->fields[at].steps, x->fields[at].steps_n))
            return false;
        at++;
    }
    return true;
}

static bool is_key_order(const struct aql_stage *sort, unsigned slot)
{
    struct sf_str step = SF_STR("_key");

    return !sort->keys->next && is_path(sort->keys->expr, slot, &step, 1);
}

/* Can the path deliver in the order of @sort, perhaps another path than the one so far?
 */
static bool takes_order(struct aql_stage *s, const struct aql_stage *sort)
{
    if (s->path.access == AQL_BY_INDEX)
        return is_in_order(sort, s->path.index, s->path.equals_n, s->slot);
    if (s->path.access != AQL_SCAN)
        return false;
    if (is_key_order(sort, s->slot)) {
        s->path.access = AQL_KEY_ORDER;
        return true;
    }
    for (size_t i = 0; i < s->collection->indexes_n; i++) {
        const struct cat_index *x = &s->collection->indexes[i];

        if (is_usable(x) && is_in_order(sort, x, 0, s->slot)) {
            s->path = (struct aql_path){ .access = AQL_BY_INDEX, .index = x };
            return true;
        }
    }
    return false;
}

/* Is @s the first FOR? Its rows come once, the others' again and again. */
static bool is_outermost(const struct aql_query *q, const struct aql_stage *s)
{
    const struct aql_stage *at = q->stages;

    while (at->kind == AQL_LET || at->kind == AQL_FILTER)
        at = at->next;
    return at == s;
}

/* The SORT that sees the rows as this FOR delivers them is dropped when they come in its
 * order. */
static void use_order(struct aql_query *q, struct aql_stage *s)
{
    struct aql_stage *before = s;

    while (before->next->kind == AQL_FILTER || before->next->kind == AQL_LET)
        before = before->next;
    if (!is_outermost(q, s) || before->next->kind != AQL_SORT ||
        !takes_order(s, before->next))
        return;
    s->path.is_descending = before->next->keys->is_descending;
    before->next = before->next->next;
    q->stages_n--;
}

static void plan(struct aql_query *q)
{
    for (struct aql_stage *s = q->stages; s; s = s->next) {
        if (s->kind != AQL_FOR || !s->collection)
            continue;
        if (!by_key(s))
            by_index(q, s);
        use_order(q, s);
    }
}

void aql_plan(struct aql_query *q)
{
    for (; q; q = q->next)
        plan(q);
}

/* Prints the pages of docs/ that come from tables: `docs types`, `docs settings`. */

#include <sf/conf.h>

#include <stdio.h>

int main(int argc, char **argv)
{
    struct sf_str page = sf_str_from(argc == 2 ? argv[1] : NULL);
    struct sf_buf b;

    sf_buf_init(&b, 1024 * 1024);
    if (sf_str_eq(page, SF_STR("types")))
        sf_types_print(&b);
    else if (sf_str_eq(page, SF_STR("settings")))
        sf_conf_print_markdown(&b);
    if (b.len == 0 || fwrite(b.p, 1, b.len, stdout) != b.len || fflush(stdout) != 0) {
        (void)fputs("usage: docs types|settings\n", stderr);
        sf_buf_release(&b);
        return 2;
    }
    sf_buf_release(&b);
    return 0;
}

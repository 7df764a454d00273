/* A command is obeyed or refused with a reason, never both, whatever the bytes. */
#include <sf/control.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char symbols[1][SF_SYMBOL_MAX + 1] = { "BTCUSDT" };
    static struct sf_conf conf = { .symbols = symbols, .symbols_n = 1 };
    static const struct sf_control_self self = {
        .queue_id = "q-abc123",
        .target = "loader-api-candles",
        .telemetry_id = "loader-api-candles__abc123",
        .conf = &conf,
    };
    enum sf_command command;
    const char *why = "unset";
    struct sf_buf id;
    bool is_ours;

    sf_buf_init(&id, 256);
    is_ours = sf_control_match(&self, sf_str_make((const char *)data, size), &command,
                               &id, &why);
    if (is_ours && (why || command > SF_COMMAND_PING))
        abort();
    if (!is_ours && id.len > 0)
        abort();
    sf_buf_release(&id);
    return 0;
}

#!/usr/bin/env bash
# Does the README hold for a newcomer? The commands of its first sh block, in a bare Debian 12
# (debootstrap, nothing installed, no shared data), on a fresh clone of HEAD.
#
#   tests/bare_machine.sh           run them all; exit 0 when all succeeded
#   tests/bare_machine.sh 'make demo'   this command instead
#
# Root only. Everything it starts lives in a PID and mount namespace of its own and ends with it;
# the root folder is removed afterwards unless KEEP=1.
set -euo pipefail
cd "$(dirname "$0")/.."

root=$(mktemp -d)
# shellcheck disable=SC2317 # called by trap
clean() {
    if [ "${KEEP:-}" = 1 ]; then echo "kept: $root"; else rm -rf "$root"; fi
}
trap clean EXIT

archive=${SF_CACHE_DIR:-tests/.cache}/base-bookworm.tar
tests/lib/docker_engine.sh archive "$archive"
tar -C "$root" -xf "$archive"
cp /etc/resolv.conf /etc/hosts "$root/etc/"
# What lies between this machine and its registries: authorities of its own, a proxy.
mkdir -p "$root/usr/local/share/ca-certificates"
cp -r /usr/local/share/ca-certificates/. "$root/usr/local/share/ca-certificates/" 2> /dev/null || true
git clone -q --no-hardlinks . "$root/root/streamforge"
if [ $# -gt 0 ]; then
    printf '%s\n' "$@" > "$root/root/commands"
else
    awk '/^```/ { if (inside) exit; inside = /^```sh/; next } inside' README.md > "$root/root/commands"
fi
echo "in $root:"
cat "$root/root/commands"

env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM="${TERM:-dumb}" \
    ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
    unshare --mount --pid --fork --kill-child --mount-proc="$root/proc" \
    chroot "$root" bash -c 'cd /root/streamforge && exec bash -ex /root/commands' < /dev/null
echo "the README's commands work on a bare Debian 12"

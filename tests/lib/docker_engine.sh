#!/usr/bin/env bash
# A Docker engine for the tests, on machines where none runs and no image can be pulled.
#
#   docker_engine.sh up USER_PID    print the DOCKER_HOST of an engine that works: the running
#                                   one, else one of our own, which lives while a user lives
#   docker_engine.sh down USER_PID  this user is done; the last one stops our engine, by its pid
#   docker_engine.sh base IMAGE     make IMAGE (debian:bookworm-slim) by debootstrap when it
#                                   can neither be found nor pulled
#   docker_engine.sh archive FILE   make FILE, a tar archive of a bare Debian 12
#
# Our own engine has no bridge and touches no firewall: builds and runs use --network=host.
# SF_ENGINE_DIR keeps its images and layers, so that a second build is a short one.
# Exit 3: there is no engine and none can be had; stderr says why.
set -euo pipefail

dir=${SF_ENGINE_DIR:-/var/cache/streamforge/docker}
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
here=$(cd "$(dirname "$0")" && pwd)
socket=$dir/run/docker.sock
wait_s=60

cannot() {
    echo "docker_engine: $*" >&2
    exit 3
}

works() { # HOST
    local version
    version=$(DOCKER_HOST=$1 timeout 20 docker version --format '{{.Server.Version}}' 2> /dev/null) && [ -n "$version" ]
}

# Users whose process is gone are forgotten.
sweep() {
    local f
    for f in "$dir"/users/*; do
        [ -e "$f" ] && ! kill -0 "${f##*/}" 2> /dev/null && rm -f "$f"
    done
    return 0
}

start() {
    local pid i
    [ "$(id -u)" = 0 ] || cannot "no engine answers, and only root can start one"
    command -v dockerd > /dev/null || cannot "no engine answers, and dockerd (package docker.io) is not installed"
    mkdir -p "$dir/run" "$dir/data" "$dir/exec"
    rm -f "$dir/run/docker.pid"
    setsid dockerd --host "unix://$socket" --data-root "$dir/data" --exec-root "$dir/exec" \
        --pidfile "$dir/run/docker.pid" --iptables=false --ip6tables=false --bridge=none \
        > "$dir/dockerd.log" 2>&1 < /dev/null 9>&- &
    pid=$!
    echo "$pid" > "$dir/pid"
    for ((i = 0; i < wait_s * 5; i++)); do
        works "unix://$socket" && return 0
        kill -0 "$pid" 2> /dev/null || break
        sleep 0.2
    done
    kill "$pid" 2> /dev/null || true
    cannot "dockerd does not start: $(tail -n 2 "$dir/dockerd.log" | tr '\n' ' ')"
}

up() { # USER_PID
    local host
    command -v docker > /dev/null || cannot "the docker command (package docker.io) is not installed"
    for host in "${DOCKER_HOST:-}" unix:///var/run/docker.sock; do
        [ -n "$host" ] && [ "$host" != "unix://$socket" ] && works "$host" && echo "$host" && return 0
    done
    mkdir -p "$dir/users" 2> /dev/null || cannot "no engine answers, and $dir cannot be written"
    exec 9> "$dir/lock"
    flock -w 120 9 || cannot "another start of the engine does not end"
    sweep
    works "unix://$socket" || start
    : > "$dir/users/$1"
    echo "unix://$socket"
}

down() { # USER_PID
    local pid i
    [ -e "$dir/pid" ] || return 0
    exec 9> "$dir/lock"
    flock -w 120 9 || cannot "another start of the engine does not end"
    rm -f "$dir/users/$1"
    sweep
    [ -z "$(ls -A "$dir/users")" ] || return 0
    pid=$(cat "$dir/pid")
    rm -f "$dir/pid"
    # A pid can be another process's by now.
    [ "$(cat "/proc/$pid/comm" 2> /dev/null)" = dockerd ] || return 0
    kill "$pid"
    for ((i = 0; i < 150; i++)); do
        kill -0 "$pid" 2> /dev/null || return 0
        sleep 0.2
    done
    kill -9 "$pid" 2> /dev/null || true
}

archive() { # FILE
    local file=$1 root
    [ ! -e "$file" ] || return 0
    [ "$(id -u)" = 0 ] || cannot "only root can debootstrap"
    command -v debootstrap > /dev/null || cannot "debootstrap is not installed"
    mkdir -p "$(dirname "$file")"
    root=$(mktemp -d)
    debootstrap --variant=minbase bookworm "$root" "$mirror" > "$root.log" 2>&1 ||
        cannot "debootstrap: $(tail -n 1 "$root.log")"
    rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* \
        "$root"/usr/share/{doc,man,locale}/*
    tar -C "$root" --numeric-owner -cf "$file.part" .
    mv "$file.part" "$file"
    rm -rf "$root" "$root.log"
}

# The archive lies in tests/.cache: the next engine needs no network for it.
base() { # IMAGE
    local file=${SF_CACHE_DIR:-$here/../.cache}/base-bookworm.tar
    docker image inspect "$1" > /dev/null 2>&1 && return 0
    timeout 60 docker pull -q "$1" > /dev/null 2>&1 && return 0
    archive "$file"
    docker import "$file" "$1" > /dev/null
}

case "${1:-}:${2:-}" in
up:?* | down:?* | base:?* | archive:?*) "$1" "$2" ;;
*)
    sed -n '2,/^set/p' "$0" | sed -n 's/^# \{0,1\}//p' >&2
    exit 2
    ;;
esac

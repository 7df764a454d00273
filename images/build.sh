#!/usr/bin/env bash
# Build images/<image>/Dockerfile for each IMAGE given, or all; print their sizes; fail when a
# loader or connector is over its limit.
#
# Environment: IMAGE_REGISTRY IMAGE_TAG (names), BASE_IMAGE DEBIAN_MIRROR SECURITY_MIRROR
# APT_OPTIONS (where the build stage gets things), DOCKER DOCKER_BUILD_FLAGS (how docker is run).
set -euo pipefail
cd "$(dirname "$0")/.."

limit_bytes=$((8 * 1024 * 1024)) # DESIGN section 10
docker=${DOCKER:-docker}
version=$(cat VERSION)
registry=${IMAGE_REGISTRY:-streamforge}
tag=${IMAGE_TAG:-v$version}
args=(--build-arg "VERSION=$version" --build-arg "REVISION=$(git rev-parse HEAD 2> /dev/null || echo unknown)")
for name in BASE_IMAGE DEBIAN_MIRROR SECURITY_MIRROR APT_OPTIONS; do
    [ -z "${!name:-}" ] || args+=(--build-arg "$name=${!name}")
done

[ $# -gt 0 ] || set -- images/*/Dockerfile
bad=0
sizes=()
for image; do
    image=${image%/Dockerfile}
    image=${image##*/}
    # shellcheck disable=SC2086 # DOCKER_BUILD_FLAGS is a list of words
    $docker build ${DOCKER_BUILD_FLAGS:-} "${args[@]}" -f "images/$image/Dockerfile" -t "$registry/$image:$tag" .
    bytes=$($docker image inspect -f '{{.Size}}' "$registry/$image:$tag")
    sizes+=("$registry/$image:$tag $bytes bytes")
    case "$image" in
    loader-* | arango-*)
        if [ "$bytes" -gt "$limit_bytes" ]; then
            echo "$image: $bytes bytes are over the limit of $limit_bytes" >&2
            bad=1
        fi
        ;;
    esac
done
printf '%s\n' "${sizes[@]}"
exit $bad

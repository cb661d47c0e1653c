#!/usr/bin/env bash
# in-memory.sh COMMAND… : runs it with a /tmp of its own, in memory, where that is possible: as root, with 12 GiB free. Elsewhere it just runs it.
# Tests write thousands of small databases and repositories there and sync each; on a disk that is a fifth of their time. It is gone when the run is, whatever ended it.
set -uo pipefail
LEAST_KIB=$((12 * 1024 * 1024))
MOST=6g

free=$(sed -n 's/^MemAvailable: *\([0-9]*\) kB$/\1/p' /proc/meminfo 2> /dev/null)
if [ "$(id -u)" -ne 0 ] || [ "${free:-0}" -lt "$LEAST_KIB" ]; then exec "$@"; fi

# The checkout may lie in /tmp, as the gate's clone does: it is mounted again from its descriptor.
# shellcheck disable=SC2016
with_own_tmp='
    most=$1 here=$PWD
    shift
    exec 9< "$here"
    mount -t tmpfs -o "mode=1777,size=$most" tmpfs /tmp || exit 2
    case "$here" in /tmp/*) mkdir -p "$here" && mount --no-canonicalize --bind /proc/self/fd/9 "$here" && cd "$here" || exit 2 ;; esac
    exec 9<&-
    exec "$@"'

# A container may allow a namespace and refuse the mount in it, so all of it is tried first with nothing to run.
if ! unshare --mount bash -c "$with_own_tmp" in-memory "$MOST" true 2> /dev/null; then exec "$@"; fi
exec unshare --mount bash -c "$with_own_tmp" in-memory "$MOST" "$@"

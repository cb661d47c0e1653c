#!/bin/sh
# start.sh DIRECTORY UID GID [CGROUP.PROCS...]
# Starts ring one of the session in DIRECTORY (the daemon's own folder) and never returns. Runs as the daemon's user; UID "-" means: stay who we are.
# Only positional arguments, and none is ever read as code.
set -u
directory=$1 uid=$2 gid=$3
shift 3
for file in "$@"; do
    printf '%s\n' $$ > "$file" || exit 125
done
exec < /dev/null > "$directory/holder.log" 2>&1 5< "$directory/files/ring1.args" 7> "$directory/status.json" 8> "$directory/ready"
set --
if [ "$uid" != - ]; then set -- --reuid "$uid" --regid "$gid" --clear-groups; fi
cd / || exit 125
exec env -i PATH=/usr/bin:/bin setpriv "$@" --no-new-privs bwrap --args 5 --json-status-fd 7 -- /bin/sh /run/hands/holder.sh

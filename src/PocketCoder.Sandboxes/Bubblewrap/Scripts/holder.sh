#!/bin/sh
# Inside ring one: the relays, then the terminal server for as long as the session lives. Nothing of the agent runs here.
set -u
while read -r port socket; do
    socat "TCP-LISTEN:$port,bind=127.0.0.1,fork,reuseaddr" "UNIX-CONNECT:/run/ring/$socket" 7>&- 8>&- < /dev/null &
    # Ready means that the first program inside can connect: not that a relay was started, but that it listens (state 0A).
    listening=$(printf ' 0100007F:%04X 00000000:0000 0A ' "$port")
    until grep -qF "$listening" /proc/net/tcp; do
        kill -0 $! || exit 1
        sleep 0.01
    done
done < /run/hands/relays
printf 'ready\n' >&8
exec 7>&- 8>&-
exec tmux -S /run/tm/s -f /run/hands/tmux.conf -D

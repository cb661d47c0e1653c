#!/usr/bin/env bash
# Installs what PocketCoder needs, builds it, starts it and shows how to pair a phone. Safe to run again: it does only what is left to do.
#   ./start.sh [--demo] [options of "pocketcoder start"]
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"
. eng/lib.sh

demo=
for argument in "$@"; do
    if [ "$argument" = --demo ]; then demo=1; fi
    if [ "$argument" = --help ] || [ "$argument" = -h ]; then
        sed -n '2,3s/^# *//p' "$0"
        exit 0
    fi
done

# The demonstration has a home of its own, so that it never mixes with real data.
if [ -n "$demo" ] && [ -z "${POCKETCODER_HOME:-}" ]; then
    export POCKETCODER_HOME="${XDG_CONFIG_HOME:-$HOME/.config}/pocketcoder-demo"
fi

need_packages ca-certificates git libsqlite3-0 tmux bubblewrap socat
need_dotnet
need_linker
build_app

# The program goes into a folder of its own for each version of the sources: one that runs is never changed under its feet.
stamp=$(digest_of src app eng Directory.Build.props Directory.Packages.props global.json)
if [ -n "${POCKETCODER_NATIVE:-}" ]; then stamp="$stamp-native$POCKETCODER_NATIVE"; fi
program="artifacts/start/$stamp"
if [ ! -x "$program/pocketcoder" ]; then
    say "Building PocketCoder (some minutes the first time)."
    log=$(mktemp)
    rid=$(rid_here)
    forms=${rid:+file} built=
    if [ -n "$rid" ] && [ "$(form_of "$rid")" = native ]; then forms="native file"; fi
    # The same file as eng/publish.sh makes: it is compiled ahead of time, so that a start does not have to.
    for form in $forms; do
        if publish_file "$form" "$rid" "$program.new" >> "$log" 2>&1; then built=$form; break; fi
        rm -rf "$program.new"
    done
    if [ "$built" = file ] && [ "${POCKETCODER_NATIVE:-}" != 0 ]; then
        say "It is not native code (that needs gcc, libc6-dev and 3 GB of free memory): it will start slower and take more memory."
    fi
    if [ -z "$built" ]; then
        say "It could not be compiled ahead of time here; building it without that. It will start some seconds slower."
        build_dotnet publish src/PocketCoder.Cli -c Release -o "$program.new" -p:UseAppHost=true -p:RunAnalyzers=false >> "$log" 2>&1 \
            || { cat "$log" >&2; fail "PocketCoder did not build."; }
    fi
    rm -rf "$log" "$program"
    mv "$program.new" "$program"
fi
ln -sfn "$stamp" artifacts/start/current

# Older builds that no process runs any more.
for old in artifacts/start/*/; do
    old=${old%/}
    if [ "$old" != "$program" ] && [ "$old" != artifacts/start/current ] && ! grep -qsF "$PWD/$old/" /proc/[0-9]*/maps; then rm -rf "$old"; fi
done

launcher="$HOME/.local/bin/pocketcoder"
mkdir -p "$HOME/.local/bin"
wanted="#!/bin/sh
# Written by start.sh.
${DOTNET_ROOT:+export DOTNET_ROOT=\"$DOTNET_ROOT\"
}exec \"$PWD/artifacts/start/current/pocketcoder\" \"\$@\""
if [ "$(cat "$launcher" 2> /dev/null)" != "$wanted" ]; then
    if [ -e "$launcher" ] && ! grep -q 'Written by start.sh' "$launcher"; then
        say "$launcher is something else; leaving it alone. The program is $PWD/artifacts/start/current/pocketcoder"
    else
        printf '%s\n' "$wanted" > "$launcher"
        chmod 755 "$launcher"
        say "Installed $launcher"
    fi
fi
case ":$PATH:" in
    *":$HOME/.local/bin:"*) ;;
    *) say "To type just 'pocketcoder', put this into your shell's profile:  export PATH=\"\$HOME/.local/bin:\$PATH\"" ;;
esac

pocketcoder="$PWD/$program/pocketcoder"
"$pocketcoder" start "$@"
status=$("$pocketcoder" status --json)
if ! grep -qs "$stamp" "/proc/$(printf '%s' "$status" | sed -n 's/.*"pid":\([0-9]*\).*/\1/p')/maps"; then
    say "An older build is still running. To change over when nothing is being worked on: pocketcoder restart"
fi
if [ -z "$demo" ]; then ask_for_key "$pocketcoder"; fi
# At a terminal the start has shown a link already.
if [ ! -t 1 ] && printf '%s' "$status" | grep -q '"devicesPaired":0[,}]'; then
    "$pocketcoder" pair --no-wait
fi
if [ -n "$demo" ]; then
    say "This is the demonstration. Its commands need its home: POCKETCODER_HOME=$POCKETCODER_HOME pocketcoder …"
fi

#!/usr/bin/env bash
# Measures every number that this project claims, on the program as it is given to people, and prints each with its bound.
#   bench/run.sh                 all parts, about a quarter of an hour; a table for people
#   bench/run.sh --quick         less of everything, about a minute: to see that it works, not to quote
#   bench/run.sh --json FILE     also as JSON
#   bench/run.sh --write         also into docs/benchmarks.md
#   bench/run.sh --note TEXT     a line for the reader of the table
#   bench/run.sh --runs N        instead of 5
#   bench/run.sh --program FILE  another pocketcoder than the one built here, to compare
#   bench/run.sh start|memory|session|agents|scale|ledger|hands|app …    only these parts
# Exit code: 0 when everything was measured (a missed bound is in the table), 1 when a part could not be, 2 for a wrong option.
set -euo pipefail
started_in=$PWD
cd "$(dirname "$(readlink -f "$0")")/.."
. eng/lib.sh

# from_there PATH : as the person meant it, from where the command was typed
from_there() { case "$1" in /*) printf '%s' "$1" ;; *) printf '%s/%s' "$started_in" "$1" ;; esac; }

arguments=() program='' kind=''
while [ $# -gt 0 ]; do
    case "$1" in
        -h | --help) sed -n '2,12s/^# \{0,1\}//p' "$0"; exit 0 ;;
        --write) arguments+=(--markdown docs/benchmarks.md) ;;
        --json) [ $# -gt 1 ] || { say "--json needs a file"; exit 2; }; arguments+=(--json "$(from_there "$2")"); shift ;;
        --program) [ $# -gt 1 ] || { say "--program needs a file"; exit 2; }; program=$(from_there "$2") kind="a given program"; shift ;;
        *) arguments+=("$1") ;;
    esac
    shift
done

need_packages ca-certificates libsqlite3-0 util-linux
need_dotnet
need_node
if [ -z "${CHROMIUM:-}" ] && [ ! -x /usr/bin/chromium ]; then need_packages chromium; fi
build_app
install_app_packages

rid=$(rid_here)

# publish : the one file, as eng/publish.sh makes it; made once for each state of the sources
publish() {
    local stamp
    [ -n "$rid" ] || return 1
    stamp=$(digest_of src app eng bench/PocketCoder.Bare Directory.Build.props Directory.Packages.props global.json)-$(form_of "$rid")
    if [ -x "artifacts/publish/$rid/pocketcoder" ] && [ -x artifacts/publish/bare-file/bare ] && [ "$(cat artifacts/bench/published 2> /dev/null)" = "$stamp" ]; then return 0; fi
    eng/publish.sh "$rid" > artifacts/bench/publish.log 2>&1 || return 1
    for form in native file; do
        if [ "$form" = native ] && [ "$(form_of "$rid")" = file ]; then continue; fi
        publish_project bench/PocketCoder.Bare "$form" "$rid" "artifacts/publish/bare-$form" >> artifacts/bench/publish.log 2>&1 || return 1
    done
    printf '%s' "$stamp" > artifacts/bench/published
}

mkdir -p artifacts/bench
if [ -z "$program" ]; then
    say "Publishing the program (some minutes when the sources changed)."
    if publish; then
        program="$PWD/artifacts/publish/$rid/pocketcoder"
        arguments+=(--bare "$PWD/artifacts/publish/bare-file/bare")
        if [ "$(form_of "$rid")" = native ]; then arguments+=(--bare-native "$PWD/artifacts/publish/bare-native/bare"); fi
        kind="the published single file for $rid ($(form_of "$rid")), $(($(stat -c %s "$program") / 1000000)) MB"
    else
        say "eng/publish.sh failed (artifacts/bench/publish.log says why); measuring the Release build instead."
        dotnet build src/PocketCoder.Cli -c Release -v quiet -nologo -clp:NoSummary >&2
        program="$PWD/artifacts/bin/PocketCoder.Cli/release/pocketcoder"
        kind="the Release build (not the published file: slower to start, larger in memory)"
    fi
fi

say "Building the benchmarks."
dotnet build bench/PocketCoder.Bench -c Release -v quiet -nologo -clp:NoSummary >&2

# What an interrupted run left behind: homes and databases have names of eight digits or more.
find artifacts/bench -mindepth 1 -maxdepth 1 -type d -exec rm -rf {} +

exec artifacts/bin/PocketCoder.Bench/release/PocketCoder.Bench --program "$program" --kind "$kind" \
    --folder artifacts/bench --app-script bench/app.mjs "${arguments[@]}"

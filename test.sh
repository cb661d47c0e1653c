#!/usr/bin/env bash
# Runs every test:
#   ./test.sh            all of them
#   ./test.sh --quick    without the slow ones (real agents, Chromium, crashes): under two minutes
#   ./test.sh NAME…      only test projects whose name contains NAME (the app's tests are called "app")
#   ./test.sh --repeat N NAME   the test that is called NAME, N times, on a busy machine: for finding out why it is flaky
# What failed is run once more, alone; what passes then is listed as flaky (docs/testing.md).
# The last line is always "N passed, N failed", with ", N skipped" behind it when some were.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")" || exit 1
. eng/lib.sh
export TESTINGPLATFORM_TELEMETRY_OPTOUT=1

quick=''
for argument in "$@"; do
    case "$argument" in
        --quick) quick=1 ;;
        --repeat) ;;
        -h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
        -*) fail "Unknown option $argument. See: ./test.sh --help" ;;
    esac
done

# sshd is for git's tests, the engine for Docker sandboxes (the tests start one of their own, in its own namespaces). Where a service manager runs,
# installing them would open a port and start a service of this machine: then those tests say that they were skipped.
# Every step stands in the log even when the machine is short of a tool: what can't be installed is a failure, not a surprise later.
services() { [ -d /run/systemd/system ] || need_packages "$@"; }
for_slow_tests() { { command -v chromium > /dev/null || need_packages chromium; } && need_packages ripgrep zsh fish strace iproute2 && services docker.io && engine && other_browser; }
# Chromium without a desktop browser around it; where it is missing, as on Ubuntu, Chromium itself does its work, in twice the time.
engine() { command -v chromium-headless-shell > /dev/null || (need_packages chromium-headless-shell) || say "chromium-headless-shell can't be installed here; Chromium does its work."; }
# Debian has this one, Ubuntu has not: without it the app is not tried in Firefox, and that is said.
other_browser() { command -v firefox-esr > /dev/null || (need_packages firefox-esr) || say "Firefox can't be installed here; what needs it is skipped."; }
(need_packages ca-certificates git libsqlite3-0 tmux bubblewrap socat openssl procps util-linux && services openssh-server && { [ -n "$quick" ] || for_slow_tests; }) \
    || { printf '\nFailed:\n  packages of the distribution are missing\n\n0 passed, 1 failed\n'; exit 1; }
need_dotnet
need_node
[ -n "$quick" ] || need_linker
exec eng/testing/in-memory.sh node eng/testing/run.mjs "$@"

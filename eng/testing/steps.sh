#!/usr/bin/env bash
# What eng/testing/run.mjs does before and beside the tests: steps.sh restore | build | app | agents | program. Each ends with 0 when it succeeded.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
. eng/lib.sh
# As the tests name it that run start.sh and publish.sh for a user of their own: with another name everything would be compiled again.
export NUGET_PACKAGES="${NUGET_PACKAGES:-$HOME/.nuget/packages}"

case "${1:-}" in
    restore) three_times "dotnet restore" build_dotnet restore PocketCoder.slnx --nologo -v quiet -p:RestoreLockedMode=true ;;
    build) build_dotnet build PocketCoder.slnx -c Release --no-restore --nologo -v quiet -clp:NoSummary ;;
    app) build_app ;;
    agents) install_agents ;;
    # The file that people get, for the tests that start the program: as native code it takes a tenth of the time to start.
    program) rm -rf artifacts/testing && publish_file "$(form_of "$(rid_here)")" "$(rid_here)" artifacts/testing ;;
    *) fail "Unknown step." ;;
esac

#!/usr/bin/env bash
# Makes what is given to people: one self-contained file with the app inside, and a dotnet tool package.
#   eng/publish.sh [RID [OPTION…]]      RID: linux-x64 (default), linux-arm64, osx-arm64, …; OPTION: of MSBuild, for the one file
# Result: artifacts/publish/RID/pocketcoder and artifacts/publish/tool/*.nupkg
# Native code for a machine like this one, with a C compiler to link it (gcc or clang, and libc6-dev) and 3 GB of free memory; otherwise, and with POCKETCODER_NATIVE=0, the .NET runtime is in the file.
# Native code needs the C library of this system or a newer one, so publish on the oldest that is to run it.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
. eng/lib.sh

rid=${1:-linux-x64}
need_dotnet
[ "$rid" != "$(rid_here)" ] || need_linker
build_app

form=$(form_of "$rid")
say "Publishing one file for $rid ($form)."
rm -rf "artifacts/publish/$rid" artifacts/publish/tool
publish_file "$form" "$rid" "artifacts/publish/$rid" "${@:2}"

say "Packing the dotnet tool."
alone build_dotnet pack src/PocketCoder.Cli -c Release -p:Shipping=tool -p:RunAnalyzers=false -o artifacts/publish/tool -v quiet -nologo
ls -l "artifacts/publish/$rid" artifacts/publish/tool >&2

#!/usr/bin/env bash
# Makes what is given to people: one self-contained file with the app inside, and a dotnet tool package.
#   eng/publish.sh [RID [OPTION…]]      RID: linux-x64 (default), linux-arm64, osx-arm64, …; OPTION: of MSBuild, for the one file
# Result: artifacts/publish/RID/pocketcoder and artifacts/publish/tool/*.nupkg
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
. eng/lib.sh

rid=${1:-linux-x64}
need_dotnet
build_app

# Kept apart from what a developer builds: the two restore differently. The analyzers have had their say in that build already.
apart=("-p:ArtifactsPath=$PWD/artifacts/shipping" -p:RunAnalyzers=false)

say "Publishing one file for $rid."
rm -rf "artifacts/publish/$rid" artifacts/publish/tool
build_dotnet publish src/PocketCoder.Cli -c Release -r "$rid" -p:Shipping=file "${apart[@]}" "${@:2}" -o "artifacts/publish/$rid" -v quiet -nologo
rm -f "artifacts/publish/$rid"/*.pdb "artifacts/publish/$rid"/*.json

say "Packing the dotnet tool."
build_dotnet pack src/PocketCoder.Cli -c Release -p:Shipping=tool "${apart[@]}" -o artifacts/publish/tool -v quiet -nologo
ls -l "artifacts/publish/$rid" artifacts/publish/tool >&2

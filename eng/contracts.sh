#!/usr/bin/env bash
# Writes what is generated from the C# records: the app's TypeScript types and the protocol's JSON Schema.
set -euo pipefail
cd "$(dirname "$0")/.."
POCKETCODER_WRITE_CONTRACTS=1 dotnet run --project tests/PocketCoder.Protocol.Tests -- --filter-class '*ContractTests'

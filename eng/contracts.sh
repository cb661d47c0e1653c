#!/usr/bin/env bash
# Writes what is generated from the C# records: the app's TypeScript types, the JSON Schemas of the protocol and of the
# owner's operations, the ledger rows and risks that the app is tested with, the page for auditors, and what the CLI says.
set -euo pipefail
cd "$(dirname "$0")/.."
POCKETCODER_WRITE_CONTRACTS=1 dotnet run --project tests/PocketCoder.Protocol.Tests -- --filter-class '*ContractTests'
POCKETCODER_WRITE_CONTRACTS=1 dotnet run --project tests/PocketCoder.Machine.Tests -- --filter-class '*LedgerSamplesTests' --filter-class '*OwnerSchemaTests' --filter-class '*CommandSamplesTests'
POCKETCODER_WRITE_CONTRACTS=1 dotnet run --project tests/PocketCoder.Architecture.Tests -- --filter-class '*AuditTests'
POCKETCODER_WRITE_CONTRACTS=1 dotnet run --project tests/PocketCoder.Cli.Tests -- --filter-class '*SnapshotTests'

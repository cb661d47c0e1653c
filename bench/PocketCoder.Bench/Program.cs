using System.Diagnostics;
using PocketCoder.Bench;
using PocketCoder.Bench.Agents;
using PocketCoder.Bench.App;
using PocketCoder.Bench.Brokers;
using PocketCoder.Bench.Daemons;
using PocketCoder.Bench.Files;
using PocketCoder.Bench.Gateways;
using PocketCoder.Bench.Ledgers;
using PocketCoder.Bench.Notifications;
using PocketCoder.Bench.Results;
using PocketCoder.Bench.Sandboxes;
using PocketCoder.Bench.Scale;
using PocketCoder.Bench.Sessions;
using PocketCoder.Bench.Snapshots;

if (OperatingSystem.IsWindows())
{
    Console.Error.WriteLine("The benchmarks run on Linux.");
    return 2;
}

switch (args)
{
    case ["fake-claude", ..]:
        return await FakeClaude.RunAsync();
    case [FakeRpcAgent.Codex or FakeRpcAgent.Acp, ..]:
        return await FakeRpcAgent.RunAsync(args[0]);
    case [FakeOpenCode.Kind, ..]:
        return await FakeOpenCode.RunAsync();
}

BenchOptions options;
try
{
    options = BenchOptions.Parse(args);
}
catch (FormatException e)
{
    Console.Error.WriteLine($"{e.Message}\n{BenchOptions.Usage}");
    return 2;
}

var machine = await MachineFacts.ReadAsync(TimeProvider.System);
var measured = new Measured();
var clock = Stopwatch.StartNew();
Directory.CreateDirectory(options.Folder);
foreach (var part in BenchOptions.AllParts.Intersect(options.Parts, StringComparer.Ordinal))
{
    Console.Error.WriteLine($"Measuring {part} ({clock.Elapsed.TotalSeconds:0} s).");
    try
    {
        await (part switch
        {
            "start" => StartBench.RunAsync(options, measured),
            "memory" => MemoryBench.RunAsync(options, measured),
            "session" => SessionBench.RunAsync(options, measured),
            "agents" => AgentsBench.RunAsync(options, measured),
            "scale" => ScaleBench.RunAsync(options, measured),
            "broker" => BrokerBench.RunAsync(options, measured),
            "gateway" => GatewayBench.RunAsync(options, measured),
            "push" => PushBench.RunAsync(options, measured),
            "hands" => SandboxBench.RunAsync(options, measured),
            "snapshots" => SnapshotBench.RunAsync(options, measured),
            "files" => FilesBench.RunAsync(options, measured),
            "ledger" => LedgerBench.RunAsync(options, measured),
            _ => AppBench.RunAsync(options, measured),
        });
    }
    catch (Exception e)
    {
        // One part that can't be measured must not take the others' numbers along; the exit code tells.
        measured.Failures.Add($"{part}: {e.Message}");
        Console.Error.WriteLine(e);
    }
}

var report = new Report(measured, machine, options, clock.Elapsed);
Console.WriteLine(string.Join('\n', report.Preamble()));
Console.WriteLine();
Console.Write(report.Table());
if (options.Json is { } json)
{
    await File.WriteAllTextAsync(json, report.ToJson() + "\n");
}

if (options.Markdown is { } markdown)
{
    await File.WriteAllTextAsync(markdown, report.ToMarkdown());
}

return measured.Failures.Count == 0 ? 0 : 1;

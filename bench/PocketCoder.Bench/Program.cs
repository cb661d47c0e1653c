using PocketCoder.Bench;
using PocketCoder.Bench.Session;

// One benchmark a file; `dotnet run -c Release --project bench/PocketCoder.Bench -- <name> [options]`.
return args switch
{
    ["ledger", .. var rest] => await LedgerBench.RunAsync(BenchOptions.Parse(rest)),
    ["session", .. var rest] when !OperatingSystem.IsWindows() => await SessionBench.RunAsync(BenchOptions.Parse(rest)),
    ["fake-claude", ..] => await FakeClaude.RunAsync(),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("usage: bench ledger|session [--runs 5] [--seconds 3] [--producers 200] [--folder DIR] [--json]");
    return 2;
}

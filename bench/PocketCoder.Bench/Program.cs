using PocketCoder.Bench;

// One benchmark a file; `dotnet run -c Release --project bench/PocketCoder.Bench -- <name> [options]`.
return args switch
{
    ["ledger", .. var rest] => await LedgerBench.RunAsync(BenchOptions.Parse(rest)),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("usage: bench ledger [--runs 5] [--seconds 3] [--producers 200] [--folder DIR] [--json]");
    return 2;
}

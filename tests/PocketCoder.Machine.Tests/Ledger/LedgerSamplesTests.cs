using System.Text.Json;
using PocketCoder.Ledger;
using PocketCoder.Machine.Ledger;
using PocketCoder.Protocol;
using PocketCoder.Testing;

namespace PocketCoder.Machine.Tests.Ledger;

/// <summary>The app reads rows as the daemon writes them: its samples are made here.</summary>
public sealed class LedgerSamplesTests
{
    private const string SampleFile = "app/src/dev/ledger-rows.json";

    [Fact]
    public async Task The_rows_that_the_app_is_tested_with_are_made_by_the_ledger()
    {
        var bodies = await LedgerSamples.BodiesAsync();
        var text = $"[\n{string.Join(",\n", bodies)}\n]\n";
        if (Environment.GetEnvironmentVariable("POCKETCODER_WRITE_CONTRACTS") == "1")
        {
            await File.WriteAllTextAsync(Repository.PathOf(SampleFile), text);
        }

        Assert.True(File.Exists(Repository.PathOf(SampleFile)) && await File.ReadAllTextAsync(Repository.PathOf(SampleFile)) == text,
            $"{SampleFile} is stale: run eng/contracts.sh");
    }

    [Fact]
    public async Task There_is_a_sample_of_every_kind_and_of_every_record()
    {
        var kinds = (await LedgerSamples.BodiesAsync()).Select(b => JsonDocument.Parse(b).RootElement.GetProperty("kind").GetString()!);
        Assert.Equal(LedgerKind.All.Order(StringComparer.Ordinal), kinds.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal));

        var records = typeof(ILedgerData).Assembly.GetTypes()
            .Where(t => t is { IsClass: true, IsAbstract: false } && t.IsAssignableTo(typeof(ILedgerData)));
        var sampled = LedgerSamples.Data.Select(d => d.GetType()).ToHashSet();
        Assert.Empty(records.Where(r => !sampled.Contains(r)).Select(r => r.Name));
    }

    [Fact]
    public async Task A_daemon_at_work_writes_no_field_that_the_samples_have_not()
    {
        var known = (await LedgerSamples.BodiesAsync()).SelectMany(Fields).ToHashSet(StringComparer.Ordinal);
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("run: echo one > one.txt");
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow, DecisionScope.Session);
        await phone.DoneAsync();
        await phone.PromptAsync(session, "run: echo one > one.txt");
        await phone.DoneAsync();
        await phone.PromptAsync(session, "write: two.txt | two");
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Deny, reason: "not this one");
        await phone.DoneAsync();

        var page = await phone.Device.AskAsync(MessageTypes.LedgerList, new LedgerListRequest(Limit: 200),
            ProtocolJson.Default.LedgerListRequest, ProtocolJson.Default.LedgerListResponse);

        Assert.Contains(page.Rows, r => r.Body.Contains("execution_finished", StringComparison.Ordinal));
        // The signature, the device's key and a grant are of the moment; nothing that is shown is read from them.
        string[] unread = ["signature", "deviceSigningKey", "signed", "grant"];
        Assert.Empty(page.Rows.SelectMany(r => Fields(r.Body))
            .Where(f => !known.Contains(f) && !unread.Contains(f[(f.LastIndexOf('.') + 1)..])).Distinct(StringComparer.Ordinal));
    }

    /// <summary>
    /// The fields that all kinds have, by name, and those of the data by kind and name, such as <c>approval_decided.data.scope</c>.
    /// </summary>
    private static IEnumerable<string> Fields(string body)
    {
        var root = JsonDocument.Parse(body).RootElement;
        var kind = root.GetProperty("kind").GetString();
        return root.EnumerateObject().Select(p => p.Name)
            .Concat(root.GetProperty("data").EnumerateObject().Where(_ => kind is not "machine_started")
                .Select(p => $"{kind}.data.{p.Name}"));
    }
}

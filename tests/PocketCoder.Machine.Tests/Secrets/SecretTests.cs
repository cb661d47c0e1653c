using System.Text.Json;
using System.Text;
using PocketCoder.Broker.Secrets;
using PocketCoder.Ledger;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Secrets;
using PocketCoder.Machine.Status;
using PocketCoder.Protocol;
using PocketCoder.Testing;

namespace PocketCoder.Machine.Tests.Secrets;

public sealed class SecretTests
{
    private const string Value = "s3cr\"et+value/0123";

    [Fact]
    public async Task A_secret_is_named_in_the_ledger_kept_over_a_restart_and_given_out_by_nobody()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var owner = daemon.Daemon.AsOwner();
        await owner.SetSecretAsync("database", Value, CancellationToken.None);
        Assert.Equal("database", Assert.Single(await owner.ListSecretsAsync(CancellationToken.None)).Name);
        await Assert.ThrowsAsync<ControlException>(() => owner.SetSecretAsync("no such/name", "value", CancellationToken.None));

        await daemon.RestartAsync();
        owner = daemon.Daemon.AsOwner();
        Assert.Equal("database", Assert.Single(await owner.ListSecretsAsync(CancellationToken.None)).Name);
        Assert.True(await owner.RemoveSecretAsync("database", CancellationToken.None));
        Assert.False(await owner.RemoveSecretAsync("database", CancellationToken.None));
        Assert.Empty(await owner.ListSecretsAsync(CancellationToken.None));

        var rows = await owner.ListLedgerAsync(new LedgerListRequest(Limit: 200), CancellationToken.None);
        var changes = rows.Rows.Reverse().Select(r => JsonDocument.Parse(r.Body).RootElement)
            .Where(r => r.GetProperty("kind").GetString() == LedgerKind.ConfigurationChanged)
            .Select(r => r.GetProperty("data")).Select(d => $"{d.GetProperty("what")} {d.GetProperty("name")} {d.GetProperty("action")}");
        Assert.Equal(["secret database set", "secret database removed"], changes);
        Assert.All(rows.Rows, r => Assert.DoesNotContain("0123", r.Body, StringComparison.Ordinal));
        Assert.True((await owner.VerifyLedgerAsync(CancellationToken.None)).Intact);
    }

    [Fact]
    public async Task A_secret_in_a_commands_output_reaches_neither_the_transcript_nor_the_live_output()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await daemon.Daemon.AsOwner().SetSecretAsync("database", Value, CancellationToken.None);
        await using var phone = await daemon.PhoneAsync();
        await File.WriteAllTextAsync(phone.PathOf("env.txt"), $"before {Value} after\n");
        var session = await phone.StartAsync(
            "run: cat env.txt; until [ -e go ]; do sleep 0.05; done; base64 -w0 env.txt", SandboxKind.Bubblewrap);
        var asked = await phone.AskedAsync();
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);

        var live = await phone.Device.NextAsync(
            e => e.Type == MessageTypes.AgentDelta && e.Payload.ToString()!.Contains("after", StringComparison.Ordinal), "live output");
        Assert.Contains("before [secret:database] after", live.Payload.ToString(), StringComparison.Ordinal);
        await File.WriteAllTextAsync(phone.PathOf("go"), "");
        var result = await phone.Device.NextEventAsync<ToolResultEvent>();
        Assert.StartsWith("before [secret:database] after\n", result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(Convert.ToBase64String(Encoding.UTF8.GetBytes(Value))[..12], result.Output, StringComparison.Ordinal);
        await phone.DoneAsync();

        await phone.PromptAsync(session, $"say: it is {Value} indeed");
        await phone.DoneAsync();
        await daemon.Daemon.StopAsync("the test looks at the files");
        var stored = string.Concat(Directory.EnumerateFiles(daemon.Options.Home.Root, "daemon.db*")
            .Where(f => !f.EndsWith(".lock", StringComparison.Ordinal)).Select(f => Encoding.UTF8.GetString(File.ReadAllBytes(f))));
        Assert.Contains("[secret:database] indeed", stored, StringComparison.Ordinal);
        Assert.DoesNotContain($"before {Value}", stored, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_log_holds_no_secret()
    {
        var path = Path.Combine(Directory.CreateTempSubdirectory("log-").FullName, "daemon.log");
        var secrets = new KnownSecrets();
        await using (var log = new LogFile(path, Microsoft.Extensions.Logging.LogLevel.Information, TimeProvider.System, secrets))
        {
            secrets.Become(new Redactor([KeyValuePair.Create("database", Value)]));
            Microsoft.Extensions.Logging.LoggerExtensions.LogError(
                log.CreateLogger("x"), new InvalidOperationException($"with {Value} inside"), "told {What}", Value);
        }

        var text = await File.ReadAllTextAsync(path);
        Assert.Equal(2, text.Split("[secret:database]").Length - 1);
        Assert.DoesNotContain("0123", text, StringComparison.Ordinal);
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
    }

    [Fact]
    public void Redacted_events_stay_whole_whatever_the_secret_is()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        string[] pieces = ["\\", "\"", "n", "u", "\n", "é", "a", "b", "{", "}", ":", ",", "+", "<", "\u0001", "0"];
        for (var round = 0; round < 2_000; round++)
        {
            var secret = Text(6, 12);
            var text = Text(0, 10) + (random.Next(2) == 0 ? secret : "") + Text(0, 10);
            var json = JsonSerializer.SerializeToUtf8Bytes<AgentEventPayload>(
                new TextEvent("b", text) { At = DateTimeOffset.UnixEpoch }, ProtocolJson.Default.AgentEventPayload);
            var redacted = RedactedJson.Of(new Redactor([KeyValuePair.Create("x", secret)]), json);
            var back = Assert.IsType<TextEvent>(JsonSerializer.Deserialize(redacted, ProtocolJson.Default.AgentEventPayload));
            Assert.False(back.Text.Contains(secret, StringComparison.Ordinal), $"seed {seed}, round {round}");
            if (!text.Contains(secret, StringComparison.Ordinal)
                && !Encoding.UTF8.GetString(redacted).Contains("[secret:", StringComparison.Ordinal))
            {
                Assert.Equal(text, back.Text);
            }
        }

        string Text(int least, int most)
            => string.Concat(Enumerable.Range(0, random.Next(least, most)).Select(_ => pieces[random.Next(pieces.Length)]));
    }

    [Theory]
    [InlineData("tool_result")]
    [InlineData("1970-01-01")]
    [InlineData("toolUseId")]
    public void A_secret_that_is_a_word_of_the_protocol_breaks_no_event(string secret)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes<AgentEventPayload>(
            new ToolResultEvent("toolUseId", false, $"with {secret}", 4, false, 0, null, false) { At = DateTimeOffset.UnixEpoch },
            ProtocolJson.Default.AgentEventPayload);
        var back = Assert.IsType<ToolResultEvent>(JsonSerializer.Deserialize(
            RedactedJson.Of(new Redactor([KeyValuePair.Create("x", secret)]), json), ProtocolJson.Default.AgentEventPayload));
        Assert.Equal(("with [secret:x]", "toolUseId", DateTimeOffset.UnixEpoch), (back.Output, back.ToolUseId, back.At));
    }

    [Fact]
    public void A_secret_in_JSON_within_JSON_is_found()
    {
        const string Secret = "quo\"ted\\secret";
        var input = JsonSerializer.Serialize(new Dictionary<string, string> { ["command"] = $"echo {Secret}" });
        var json = JsonSerializer.SerializeToUtf8Bytes<AgentEventPayload>(
            new ToolUseEvent("t", "bash", ToolCategory.Execute, "echo", input, false) { At = DateTimeOffset.UnixEpoch },
            ProtocolJson.Default.AgentEventPayload);
        var back = Assert.IsType<ToolUseEvent>(JsonSerializer.Deserialize(
            RedactedJson.Of(new Redactor([KeyValuePair.Create("x", Secret)]), json), ProtocolJson.Default.AgentEventPayload));
        Assert.Equal("""{"command":"echo [secret:x]"}""", back.Input);
    }

    [Fact]
    public void Live_text_hides_a_secret_wherever_its_pieces_end()
    {
        var redactor = new Redactor([KeyValuePair.Create("x", "pässword-1234")]);
        const string Whole = "it is pässword-1234, yes";
        for (var cut = 1; cut < Whole.Length; cut++)
        {
            var live = new LiveRedaction(redactor);
            Assert.Equal("it is [secret:x], yes", live.Next(Whole[..cut]) + live.Next(Whole[cut..]));
        }
    }
}

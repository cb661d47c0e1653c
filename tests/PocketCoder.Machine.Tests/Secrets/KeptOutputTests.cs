using System.Text;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Tests.Runs;
using PocketCoder.Protocol;
using PocketCoder.Testing;

namespace PocketCoder.Machine.Tests.Secrets;

/// <summary>What is kept of commands' output for a week, by every door that leads to it; and the word that a secret left.</summary>
public sealed class KeptOutputTests
{
    private const string Value = "sk-live-0Zx9QpLm27RtVbNcKwEyHgJfDsAoUiTrQ84aB";
    private const string Leaking =
        "cat key.txt; base64 -w 20 key.txt; od -c key.txt; od -A n -t x1 key.txt; head -c 22 key.txt; echo; cat key.txt >&2";

    [Fact]
    public async Task The_output_of_an_agents_command_is_kept_without_secrets()
    {
        await using var daemon = await StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await File.WriteAllTextAsync(phone.PathOf("key.txt"), $"{Value}\n");
        await phone.StartAsync($"run: {Leaking}", SandboxKind.Bubblewrap);
        var asked = await phone.AskedAsync();
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        var shown = (await phone.Device.NextEventAsync<ToolResultEvent>()).Output;
        await phone.DoneAsync();

        var kept = await phone.Device.AskAsync(
            MessageTypes.ExecutionOutput, new ExecutionOutputRequest(asked.ApprovalId), ProtocolJson.Default.ExecutionOutputRequest,
            ProtocolJson.Default.ExecutionOutputResponse);
        var owner = await daemon.Daemon.AsOwner().OutputAsync(asked.ApprovalId.ToString(), 0, 100_000, CancellationToken.None);
        Assert.Equal((kept.Data, kept.Kept, kept.Kept), (owner.Data, owner.Kept, owner.Total));
        HoldsNone(shown);
        HoldsNone(Encoding.UTF8.GetString(Convert.FromBase64String(kept.Data)));
        HoldsNone(OnDisk(daemon));
        Assert.DoesNotContain("went to the model", await StoredAsync(daemon), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_output_of_a_persons_command_is_kept_without_secrets_and_its_two_outputs_stay_apart()
    {
        await using var daemon = await StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await File.WriteAllTextAsync(phone.PathOf("key.txt"), $"{Value}\n");
        var runner = new Runner(phone.Device, phone.Project.ProjectId);
        var request = runner.Request(
            $"printf 'first %s' '{Value[..20]}'; printf 'oh %s!' \"$(tail -c +5 key.txt)\" >&2; printf '%s then\\n' '{Value[20..]}'; {Leaking}");
        var heard = await runner.RunAsync(request);
        Assert.StartsWith("first [secret:live] then\n[secret:live]\n", heard.Output, StringComparison.Ordinal);
        Assert.Equal("oh [secret:live]![secret:live]\n", heard.Errors);
        HoldsNone(heard.Output + heard.Errors);
        var read = await runner.ReadAsync(request.RunId);
        Assert.Equal((heard.Output, heard.Errors), (string.Concat(read.Chunks.Where(c => !c.Error).Select(c => c.Text)),
            string.Concat(read.Chunks.Where(c => c.Error).Select(c => c.Text))));
        HoldsNone(read.Run.Preview);
        HoldsNone(OnDisk(daemon));
    }

    [Fact]
    public async Task When_the_model_itself_has_a_secret_the_session_says_so_once()
    {
        await using var daemon = await StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("say: nothing of it");
        await phone.DoneAsync();
        await phone.PromptAsync(session, $"say: it is {Value[10..32]} indeed");
        var notice = await phone.Device.NextEventAsync<NoticeEvent>(n => n.Text.Contains("provider", StringComparison.Ordinal));
        Assert.Equal(NoticeLevel.Warning, notice.Level);
        Assert.Contains("The secret live went to the model's provider", notice.Text, StringComparison.Ordinal);
        await phone.DoneAsync();
        await phone.PromptAsync(session, $"say: again {Value}");
        await phone.DoneAsync();
        var stored = await StoredAsync(daemon);
        Assert.Contains("it is [secret:live] indeed", stored, StringComparison.Ordinal);
        Assert.Contains("went to the model", stored, StringComparison.Ordinal);
    }

    private static async Task<string> StoredAsync(TestDaemon daemon)
    {
        await daemon.Daemon.StopAsync("the test looks at the database");
        return string.Concat(Directory.EnumerateFiles(daemon.Options.Home.Root, "daemon.db*")
            .Where(f => !f.EndsWith(".lock", StringComparison.Ordinal)).Select(f => Encoding.UTF8.GetString(File.ReadAllBytes(f))));
    }

    private static async Task<TestDaemon> StartAsync()
    {
        var daemon = await TestDaemon.StartAsync();
        await daemon.Daemon.AsOwner().SetSecretAsync("live", Value, CancellationToken.None);
        return daemon;
    }

    private static string OnDisk(TestDaemon daemon)
    {
        var files = Directory.EnumerateFiles(daemon.Options.Home.Outputs, "*", SearchOption.AllDirectories).ToList();
        Assert.NotEmpty(files);
        return string.Concat(files.Select(File.ReadAllText));
    }

    private static void HoldsNone(string text)
    {
        Assert.Contains("[secret:live]", text, StringComparison.Ordinal);
        var symbols = string.Concat(text.Where(c => char.IsAsciiLetterOrDigit(c) || c is '+' or '/'));
        var base64 = Convert.ToBase64String(Encoding.ASCII.GetBytes(Value));
        var hex = Convert.ToHexStringLower(Encoding.ASCII.GetBytes(Value));
        Assert.All(Enumerable.Range(0, Value.Length - 16),
            i => Assert.DoesNotContain(Value.Substring(i, 16), text, StringComparison.Ordinal));
        Assert.All(Enumerable.Range(0, base64.Length - 16),
            i => Assert.DoesNotContain(base64.Substring(i, 16), symbols, StringComparison.Ordinal));
        Assert.All(Enumerable.Range(0, hex.Length - 24),
            i => Assert.DoesNotContain(hex.Substring(i, 24), symbols, StringComparison.Ordinal));
        Assert.DoesNotContain("Q   p   L   m", text, StringComparison.Ordinal);
    }
}

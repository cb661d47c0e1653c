using PocketCoder.Protocol;
using PocketCoder.Testing;

namespace PocketCoder.Cli.Tests;

/// <summary><c>ledger show</c>, <c>verify</c>, <c>export</c>, and the verifier for strangers.</summary>
public sealed class LedgerTests
{
    [Fact]
    public async Task What_was_asked_decided_and_done_is_shown_verified_and_exported_for_strangers()
    {
        await using var home = new CliHome();
        await home.StartAsync();
        Guid session;
        await using (var phone = await home.PairAsync("Ada's phone"))
        {
            session = await phone.PromptAsync("run: echo hi > proof.txt", DecisionVerdict.Allow);
            await phone.PromptAsync("run: printf 'a\u202eb'", DecisionVerdict.Deny);
        }

        Assert.True(File.Exists(Path.Combine(home.Home.Demo, "proof.txt")));

        var shown = (await home.RunAsync("ledger", "show")).Succeeded().Out;
        Assert.Matches(@"#\s+Time\s+Who\s+Event\s+What\s+Verdict\s+Scope\s+Proof\s+Exit", shown.Split('\n')[0]);
        Assert.Matches(@"Ada's phone\s+approval decided\s+echo hi > proof\.txt\s+allow\s+once\s+device-key", shown);
        Assert.Matches(@"execution finished\s+echo hi > proof\.txt\s+0", shown);
        Assert.Matches(@"Ada's phone\s+approval decided\s+printf 'a\\u\{202e\}b'\s+deny", shown);
        Assert.DoesNotContain('\u202e', shown);

        var one = (await home.RunAsync("ledger", "show", "--session", session.ToString())).Succeeded().Out;
        Assert.Contains("proof.txt", one, StringComparison.Ordinal);
        Assert.DoesNotContain("printf", one, StringComparison.Ordinal);
        Assert.Equal(2, (await home.AskAsync("ledger", "show", "--limit", "2")).GetArrayLength());
        (await home.RunAsync("ledger", "show", "--limit", "0")).Ended(2);

        var verified = (await home.RunAsync("ledger", "verify")).Succeeded().Out;
        Assert.StartsWith("Intact: ", verified, StringComparison.Ordinal);
        Assert.True((await home.AskAsync("ledger", "verify")).GetProperty("intact").GetBoolean());

        (await home.RunAsync("ledger", "export", "-o", "ledger.ndjson")).Succeeded();
        var file = Path.Combine(home.Work, "ledger.ndjson");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        var text = await File.ReadAllTextAsync(file);
        var rows = text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length - 2; // the first and the last line are no rows
        Assert.True(rows > 10);
        Assert.Equal(rows, (await home.AskAsync("ledger", "show", "--limit", "10000")).GetArrayLength());
        Assert.Contains("exists", (await home.RunAsync("ledger", "export", "-o", "ledger.ndjson")).Ended(1).Error,
            StringComparison.Ordinal);
        // On standard output the same, but for the first line's moment and the last one's signature, which is never the same twice.
        Assert.Equal(text.Split('\n')[1..^2], (await home.RunAsync("ledger", "export")).Succeeded().Out.Split('\n')[1..^2]);

        (await VerifyAsync(home, "ledger.ndjson")).Succeeded();

        await File.WriteAllTextAsync(file, text.Replace("proof.txt", "proof.exe", StringComparison.Ordinal));
        (await VerifyAsync(home, "ledger.ndjson")).Ended(1);
        var lines = text.Split('\n');
        await File.WriteAllTextAsync(file, string.Join('\n', lines.Take(lines.Length - 3).Append(lines[^2]))); // the newest row is gone
        (await VerifyAsync(home, "ledger.ndjson")).Ended(1);
    }

    [Fact]
    public async Task An_export_that_fails_leaves_no_file_in_the_way()
    {
        await using var home = new CliHome();

        (await home.RunAsync("ledger", "export", "--output", "ledger.ndjson")).Ended(3);

        Assert.False(File.Exists(Path.Combine(home.Work, "ledger.ndjson")));
    }

    [Fact]
    public async Task A_ledger_that_is_not_the_one_that_was_signed_is_told_everywhere_and_accepted_by_its_row()
    {
        await using var home = new CliHome();
        await home.StartAsync();
        var verified = (await home.RunAsync("ledger", "verify")).Succeeded().Out;
        Assert.Contains("checked      that every row from 1 on is signed by this machine", verified, StringComparison.Ordinal);
        Assert.Contains("not checked  the signatures of devices", verified, StringComparison.Ordinal);
        Assert.Contains("nothing to accept", (await home.RunAsync("ledger", "accept", "1")).Ended(2).Error, StringComparison.Ordinal);
        (await home.RunAsync("stop")).Succeeded();
        File.Delete(home.Home.LedgerHead);
        Assert.Contains("not the one this machine signed", (await home.RunAsync("doctor")).Ended(1).Out, StringComparison.Ordinal);

        await home.StartAsync();
        var status = (await home.RunAsync("status")).Succeeded().Out;
        Assert.Contains("not the one this machine signed", status, StringComparison.Ordinal);
        var row = System.Text.RegularExpressions.Regex.Match(status, "ledger accept (?<row>[0-9]+)",
            System.Text.RegularExpressions.RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1)).Groups["row"].Value;
        Assert.Contains($"BROKEN at row {row}", (await home.RunAsync("ledger", "verify")).Ended(1).Error, StringComparison.Ordinal);
        (await home.RunAsync("ledger", "export", "-o", "broken.ndjson")).Succeeded();
        (await VerifyAsync(home, "broken.ndjson")).Ended(1);
        Assert.NotEqual(0, (await home.RunAsync("pair")).Code);

        (await home.RunAsync("ledger", "accept", row)).Succeeded();
        Assert.Contains("the owner accepted", (await home.RunAsync("ledger", "verify")).Succeeded().Out, StringComparison.Ordinal);
        (await home.RunAsync("ledger", "export", "-o", "accepted.ndjson")).Succeeded();
        (await VerifyAsync(home, "accepted.ndjson")).Succeeded();
        Assert.DoesNotContain("ledger accept", (await home.RunAsync("status")).Succeeded().Out, StringComparison.Ordinal);
        await using var phone = await home.PairAsync();
    }

    private static async Task<Ran> VerifyAsync(CliHome home, string file)
    {
        await using var node = RunningProgram.Start(
            "node", [Repository.PathOf("docs/verify-ledger.mjs"), file], home.Environment, home.Work);
        return await node.EndAsync();
    }
}

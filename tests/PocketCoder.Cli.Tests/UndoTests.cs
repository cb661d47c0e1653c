using PocketCoder.Protocol;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Cli.Tests;

/// <summary><c>pocketcoder undo</c>.</summary>
public sealed class UndoTests
{
    [Fact]
    public async Task What_was_allowed_is_shown_undone_by_the_beginning_of_its_id_and_brought_back()
    {
        await using var home = new CliHome();
        await home.StartAsync();
        var project = (await home.AskAsync("projects"))[0].GetProperty("path").GetString()!;
        await File.WriteAllTextAsync(Path.Combine(project, "f.txt"), "before\n");
        await using var phone = await home.PairAsync("phone");
        var session = await phone.PromptAsync("run: echo after > f.txt", DecisionVerdict.Allow);
        var turns = await phone.AskAsync(
            MessageTypes.AgentSessionGet, new AgentSessionGetRequest(session), ProtocolJson.Default.AgentSessionGetRequest,
            ProtocolJson.Default.AgentSessionGetResponse);
        var turn = turns.Turns[0].TurnId.ToString();

        var shown = (await home.RunAsync("undo", turn, "--dry-run")).Succeeded().Out;
        Assert.Contains("Undoing would change 1 file:\nwrite  f.txt\n", shown, StringComparison.Ordinal);
        Assert.Contains("- after", shown, StringComparison.Ordinal);
        Assert.Contains("+ before", shown, StringComparison.Ordinal);
        Assert.Equal("after\n", await File.ReadAllTextAsync(Path.Combine(project, "f.txt")));

        var undone = await home.AskAsync("undo", turn[..30]);
        Assert.Equal("before\n", await File.ReadAllTextAsync(Path.Combine(project, "f.txt")));
        Assert.Equal("cli", undone.GetProperty("by").GetString());

        await File.WriteAllTextAsync(Path.Combine(project, "f.txt"), "by hand\n");
        var id = undone.GetProperty("undoId").GetString()!;
        Assert.Contains("changed since by somebody else", (await home.RunAsync("undo", id)).Ended(1).Error, StringComparison.Ordinal);
        Assert.Contains("Reverted 1 file", (await home.RunAsync("undo", id, "--force")).Succeeded().Out, StringComparison.Ordinal);
        Assert.Equal("after\n", await File.ReadAllTextAsync(Path.Combine(project, "f.txt")));
    }

    [Fact]
    public async Task What_has_no_snapshot_is_refused_with_words()
    {
        await using var home = new CliHome();
        await home.StartAsync();
        Assert.Contains("No snapshot of that", (await home.RunAsync("undo", "00000000-0000")).Ended(1).Error, StringComparison.Ordinal);
        Assert.Contains("at least 8 characters", (await home.RunAsync("undo", "%")).Ended(2).Error, StringComparison.Ordinal);
    }
}

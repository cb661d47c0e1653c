using Microsoft.Data.Sqlite;
using PocketCoder.Ledger;
using PocketCoder.Protocol;
using PocketCoder.Testing;

namespace PocketCoder.EndToEnd.Tests.Crash;

/// <summary>The daemon is killed while text is being written: what was seen and is on disk stays, once, and is marked as cut.</summary>
[Trait("Category", "Slow")]
public sealed class SeenTextKillTests
{
    [Fact]
    public async Task An_answer_that_a_kill_cut_off_is_there_after_the_restart_once_and_again_after_the_next()
    {
        await using var machine = await CrashMachine.StartAsync();
        await LoadSqliteAsync();
        var session = await machine.SessionAsync("long: 4000");
        var (block, seen) = await SeenAsync(machine, 200);
        await Wait.UntilAsync(() => OnDisk(machine).Contains(seen, StringComparison.Ordinal), "what was seen to be on disk");
        for (var i = 0; i < 2; i++)
        {
            await machine.KillAsync();
            await machine.StartDaemonAsync();
            await machine.ConnectAsync();
            var events = await machine.TranscriptAsync(session);
            var text = Assert.Single(events.OfType<TextEvent>());
            Assert.Equal((block, true), (text.BlockId, text.Cut));
            Assert.StartsWith(seen, text.Text, StringComparison.Ordinal);
            Assert.Equal(TurnState.Interrupted, Assert.Single(events.OfType<DoneEvent>()).Outcome);
            Assert.Equal("", OnDisk(machine));
        }

        await machine.PromptAsync(session, "go on");
        await machine.Device.SubscribeAsync($"session/{session}");
        await machine.Device.NextEventAsync<DoneEvent>(d => d.Outcome == TurnState.Completed);
        Assert.Single((await machine.TranscriptAsync(session)).OfType<TextEvent>(), t => t.Cut);
        await machine.VerifyAsync();
    }

    [Fact]
    public async Task A_device_that_was_away_during_the_kill_is_told_the_cut_text_under_the_name_that_it_knows()
    {
        await using var machine = await CrashMachine.StartAsync();
        await LoadSqliteAsync();
        var session = await machine.SessionAsync("first");
        var done = await machine.Device.NextAsync(
            e => e.Payload!.Value.TryGetProperty("kind", out var kind) && kind.GetString() == "done", "the end");
        await machine.PromptAsync(session, "long: 4000");
        var (block, seen) = await SeenAsync(machine, 50);
        await Wait.UntilAsync(() => OnDisk(machine).Contains(seen, StringComparison.Ordinal), "what was seen to be on disk");
        await machine.KillAsync();
        await machine.StartDaemonAsync();
        await machine.ConnectAsync();
        await machine.Device.SubscribeAsync($"session/{session}", done.Epoch, done.Seq!.Value);
        var text = await machine.Device.NextEventAsync<TextEvent>();
        Assert.Equal((block, true), (text.BlockId, text.Cut));
        await machine.Device.NextEventAsync<DoneEvent>(d => d.Outcome == TurnState.Interrupted);
    }

    /// <summary>A block that was shown live, and its first characters.</summary>
    private static async Task<(string Block, string Text)> SeenAsync(CrashMachine machine, int length)
    {
        var (block, seen) = ("", "");
        await machine.Device.NextAsync(
            e =>
            {
                if (e.Type == MessageTypes.AgentDelta)
                {
                    block = e.Payload!.Value.GetProperty("blockId").GetString()!;
                    seen = seen[..e.Payload.Value.GetProperty("offset").GetInt32()] + e.Payload.Value.GetProperty("text").GetString();
                }

                return seen.Length >= length;
            },
            "live text");
        return (block, seen);
    }

    /// <summary>The system's SQLite, as the ledger finds it.</summary>
    private static async Task LoadSqliteAsync()
    {
        var folder = Directory.CreateTempSubdirectory("pccrash-");
        await using (await LedgerStore.OpenAsync(
            new LedgerOptions(Path.Combine(folder.FullName, "any.db"), "any"), TimeProvider.System, CancellationToken.None))
        {
        }

        folder.Delete(recursive: true);
    }

    private static string OnDisk(CrashMachine machine)
    {
        using var connection = new SqliteConnection($"Data Source={machine.Home.Database};Mode=ReadOnly;Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT coalesce(group_concat(CAST(text AS TEXT), ''), '') FROM live_text";
        return (string)command.ExecuteScalar()!;
    }
}

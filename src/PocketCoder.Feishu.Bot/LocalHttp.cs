using System.Net;
using Microsoft.Extensions.Logging;
using PocketCoder.Entry;
using PocketCoder.Feishu.Bot.Keeping;
using PocketCoder.Feishu.Bot.Local;
using PocketCoder.Feishu.Bot.People;
using PocketCoder.Feishu.Cards;

namespace PocketCoder.Feishu.Bot;

/// <summary>What the owner set for the local port.</summary>
/// <param name="Endpoint">On this computer.</param>
/// <param name="IsWebhook">Whether the bot waits for the platform's requests; else it opens a connection.</param>
/// <param name="App">Where the PocketCoder app is; https, or null.</param>
public sealed record LocalHttpSettings(IPEndPoint Endpoint, CardLanguage Language, Uri? App, bool IsWebhook);

/// <summary>
/// HTTP on this computer alone, with the routes of an older bot (docs/feishu.md): a way in of its own, for whoever has its token.
/// </summary>
/// <param name="bot">Null: it is off.</param>
public sealed partial class LocalHttp(LocalHttpSettings settings, FeishuBot? bot, TimeProvider time, ILogger logger) : IEntryPoint
{
    private volatile EntryStatus? _status;

    public string Platform => EntryLocalHttp.Platform;

    public EntryStatus Status => _status ?? new EntryStatus(EntryState.Starting, time.GetUtcNow(), null);

    /// <summary>What a test sees of the environment.</summary>
    internal Func<string, string?> Environment { get; init; } = System.Environment.GetEnvironmentVariable;

    public Task<IReadOnlyList<string>> TestAsync(IEntryMachine machine, CancellationToken cancellationToken)
        => Task.FromResult<IReadOnlyList<string>>([$"Local requests are answered at http://{settings.Endpoint}."]);

    public async Task RunAsync(IEntryMachine machine, CancellationToken stop)
    {
        try
        {
            await using var people = new PeopleHere(machine);
            await using var door = await LocalDoor.OpenAsync(
                settings.Endpoint, Routes(machine, people), ct => machine.SecretAsync(EntrySecretKind.Token, ct), people, time, logger,
                stop);
            _status = new EntryStatus(EntryState.Ready, time.GetUtcNow(), null);
            await Task.Delay(Timeout.InfiniteTimeSpan, time, stop);
        }
        catch (EntryRefusal e)
        {
            // Somebody must change something: it is told as the status, and the rest of the daemon goes on.
            _status = new EntryStatus(EntryState.Failed, time.GetUtcNow(), e.Message);
            LogFailed(logger, e.Message);
            await Task.Delay(Timeout.InfiniteTimeSpan, time, stop);
        }
        finally
        {
            _status = null;
        }
    }

    internal IReadOnlyList<LocalRoute> Routes(IEntryMachine machine, PeopleHere people)
    {
        var notes = new BotNotes(machine.Notes);
        var health = new LocalHealth(settings.IsWebhook, bot is null ? null : () => bot.Status, bot?.Trace, Environment);
        var commands = new LocalCommands(new LocalTasks(people, notes, time), notes, time);
        return [.. health.Routes, .. commands.Routes, .. new LocalCards(notes, settings.Language, settings.App, time).Routes];
    }

    [LoggerMessage(EventId = 484, Level = LogLevel.Error, Message = "The local port is off until the next start: {Reason}")]
    private static partial void LogFailed(ILogger logger, string reason);
}

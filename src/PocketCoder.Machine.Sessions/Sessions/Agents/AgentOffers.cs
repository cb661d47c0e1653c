using System.Text.Json;
using PocketCoder.Agents;
using PocketCoder.Machine.AgentSandboxes;
using PocketCoder.Machine.Sessions.Prompting;
using PocketCoder.Machine.Sessions.Titles;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Agents;

/// <summary>
/// What the agent tells of itself: its conversation's id, commands, models, mode, how full the conversation is, what it calls it. On the
/// mailbox only.
/// </summary>
internal sealed class AgentOffers(SessionContext session)
{
    /// <summary>As the stream has them; a restarted daemon says them again once.</summary>
    private string? _offers;

    /// <summary>The efforts that can be chosen now, as the agent told them; null: those of its description.</summary>
    public IReadOnlyList<string>? Efforts { get; private set; }

    /// <param name="resumed">It goes on with a conversation.</param>
    public async Task ReadyAsync(AgentReady ready, bool resumed)
    {
        var changed = session.Record.NativeId != ready.NativeId || (ready.Model is not null && ready.Model != session.Record.Model)
            || (ready.Mode is not null && ready.Mode != session.Record.Mode);
        if (changed)
        {
            session.Replace(await session.Store.WriteAsync(change =>
            {
                change.Event(session.SessionId, new InitEvent(session.Record.Agent, ready.Version, ready.Model, ready.Mode,
                    session.Record.Sandbox, resumed)
                { At = change.Now, TurnId = session.Turn?.TurnId });
                return SessionRows.Update(change, session.Record with
                { NativeId = ready.NativeId, Model = ready.Model ?? session.Record.Model, Mode = ready.Mode ?? session.Record.Mode });
            }));
        }

        await OffersAsync(ready);
    }

    public async Task ModeAsync(string mode)
    {
        if (session.Record.Mode != mode)
        {
            await session.SaveAsync(record => record with { Mode = mode });
            await session.NoteAsync(NoticeLevel.Info, $"Mode is now {mode}.");
        }
    }

    /// <summary>Kept in memory at once, on disk with the end of the turn.</summary>
    public Task ContextAsync(AgentContext told)
    {
        var before = session.Record.Prompting.Context;
        var context = new ContextInfo(Math.Max(0, told.UsedTokens), told.WindowTokens is > 0 ? told.WindowTokens : before?.WindowTokens);
        session.Replace(session.Record with { Prompting = session.Record.Prompting with { Context = context } });
        return Task.CompletedTask;
    }

    /// <summary>The agent's own title counts until a person chose one.</summary>
    public async Task TitledAsync(AgentTitled titled)
    {
        var title = SessionTitle.Of(titled.Title);
        if (!session.Record.Prompting.Renamed && title != SessionTitle.Nothing && title != session.Record.Title)
        {
            await session.SaveAsync(record => record with { Title = title });
        }
    }

    private async Task OffersAsync(AgentReady ready)
    {
        var now = new OffersEvent(Offers.Commands(ready), Offers.Models(ready)) { At = session.Store.Now, Efforts = Offers.Efforts(ready) };
        Efforts = now.Efforts;
        if (now.Models.Count > 0 && !ready.OfOwnProvider)
        {
            session.Services.KnownModels.Learn(session.Record.Agent, now.Models);
        }

        if (now.Efforts is not null)
        {
            session.Services.KnownModels.LearnEfforts(session.Record.Agent, now.Efforts);
        }

        var text = JsonSerializer.Serialize(now with { At = default }, ProtocolJson.Default.AgentEventPayload);
        if (text == _offers || (_offers is null && now is { Commands.Count: 0, Models.Count: 0, Efforts: null }))
        {
            return;
        }

        await session.WriteAsync(now);
        _offers = text;
    }
}

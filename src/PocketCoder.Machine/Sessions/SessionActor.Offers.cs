using System.Text.Json;
using PocketCoder.Agents;
using PocketCoder.Machine.Sessions.Prompting;
using PocketCoder.Machine.Sessions.Titles;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions;

/// <summary>The part of the actor that keeps what the agent tells of itself: commands, models, how full the conversation is, what it calls it.</summary>
internal sealed partial class SessionActor
{
    /// <summary>As the stream has them; a restarted daemon says them again once.</summary>
    private string? _offers;

    /// <summary>What can be chosen now, as the agent told it; null: what its description says.</summary>
    private IReadOnlyList<string>? _efforts;

    /// <summary>Of a request's field that names something or, empty, the agent's default: null then.</summary>
    private static string? Chosen(string? name) => name is { Length: > 0 } ? name : null;

    private async Task OffersAsync(AgentReady ready)
    {
        var now = new OffersEvent(Offers.Commands(ready), Offers.Models(ready)) { At = Store.Now, Efforts = Offers.Efforts(ready) };
        _efforts = now.Efforts;
        if (now.Models.Count > 0)
        {
            _services.KnownModels.Learn(_record.Agent, now.Models);
        }

        if (now.Efforts is not null)
        {
            _services.KnownModels.LearnEfforts(_record.Agent, now.Efforts);
        }

        var text = JsonSerializer.Serialize(now with { At = default }, ProtocolJson.Default.AgentEventPayload);
        if (text == _offers || (_offers is null && now is { Commands.Count: 0, Models.Count: 0, Efforts: null }))
        {
            return;
        }

        await WriteAsync(now);
        _offers = text;
    }

    /// <summary>Kept in memory at once, on disk with the end of the turn.</summary>
    private Task ContextAsync(AgentContext told)
    {
        var before = _record.Prompting.Context;
        var context = new ContextInfo(Math.Max(0, told.UsedTokens), told.WindowTokens is > 0 ? told.WindowTokens : before?.WindowTokens);
        _record = _record with { Prompting = _record.Prompting with { Context = context } };
        return Task.CompletedTask;
    }

    /// <summary>The agent's own title counts until a person chose one.</summary>
    private async Task TitledAsync(AgentTitled titled)
    {
        var title = SessionTitle.Of(titled.Title);
        if (!_record.Prompting.Renamed && title != SessionTitle.Nothing && title != _record.Title)
        {
            await SaveAsync(record => record with { Title = title });
        }
    }
}

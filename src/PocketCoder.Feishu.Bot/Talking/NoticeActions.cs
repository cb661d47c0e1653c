using System.Globalization;
using PocketCoder.Feishu.Cards;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.Talking;

/// <summary>Help, how the machine is doing, and what was used.</summary>
internal sealed class NoticeActions
{
    private const int Days = 30;
    private const int MostModels = 10;

    public IEnumerable<CardRoute> Routes =>
    [
        new(CardVerb.Help, false, (_, _) => Task.FromResult<CardView?>(new HelpView())),
        new(CardVerb.Status, false, StatusAsync),
        new(CardVerb.Usage, false, UsageAsync),
    ];

    private static async Task<CardView?> StatusAsync(CardRequest request, CancellationToken cancellationToken)
    {
        var now = await request.Person.AskAsync(DeviceVerbs.MachineStatus, new MachineStatusRequest(), cancellationToken);
        return new StatusView(
        [
            new("Machine", now.Machine.Name),
            new("Version", now.Machine.Version),
            new("Started", now.StartedAt.ToUniversalTime().ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture)),
            new("Working", now.SessionsWorking.ToString(CultureInfo.InvariantCulture)),
            new("You", $"{request.Person.Name} ({string.Join(", ", request.Person.Scopes).ToLowerInvariant()})"),
            .. now.Machine.Warnings.Select(w => new CardOption("⚠", w)),
        ]);
    }

    private static async Task<CardView?> UsageAsync(CardRequest request, CancellationToken cancellationToken)
    {
        var used = await request.Person.AskAsync(Verbs.UsageGet, new UsageGetRequest(Days), cancellationToken);
        return new UsageView(
        [
            new UsageRow($"{Days} d", Tokens(used.Total)),
            .. used.Models.Take(MostModels).Select(m => new UsageRow(m.Name ?? m.Id, Tokens(m.Used))),
        ]);
    }

    private static CardUsage Tokens(UsageSum sum)
        => new(sum.InputTokens + sum.CacheWriteTokens, sum.CacheReadTokens, sum.OutputTokens, 0);
}

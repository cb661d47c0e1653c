using System.Text.Json;
using PocketCoder.Entry;
using PocketCoder.Feishu.Bot.Keeping;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.Local;

/// <summary>How the bot and the machine stand, for whoever looks for a fault. Never a secret's value or length.</summary>
/// <param name="isWebhook">Whether the bot waits for the platform's requests.</param>
/// <param name="bot">The bot's status; null: it is off.</param>
internal sealed class LocalHealth(bool isWebhook, Func<EntryStatus>? bot, BotTrace? trace, Func<string, string?> environment)
{
    private const string Sqlite = "sqlite";

    /// <summary>What is looked at, by what it is for. Only whether it is set is told.</summary>
    internal static readonly IReadOnlyList<(string Name, string[] Keys)> Known =
    [
        ("codex", ["OPENAI_API_KEY", "OPENAI_BASE_URL", "CODEX_HOME"]),
        ("claude_code", ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL", "CLAUDE_CONFIG_DIR"]),
        ("cursor_agent", ["CURSOR_API_KEY"]),
        ("gemini", ["GEMINI_API_KEY", "GOOGLE_API_KEY"]),
        ("proxy", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"]),
        ("poco", ["POCO_CONFIG_PATH", "POCO_FEISHU_APP_ID", "POCO_FEISHU_APP_SECRET", "POCO_FEISHU_API_BASE_URL",
            "POCO_FEISHU_DELIVERY_MODE", "POCO_FEISHU_ENCRYPT_KEY", "POCO_FEISHU_VERIFICATION_TOKEN"]),
    ];

    public IEnumerable<LocalRoute> Routes =>
    [
        new("GET", "/health", false, HealthAsync),
        new("GET", "/debug/feishu", false, BotAsync),
        new("GET", "/debug/env", false, EnvAsync),
    ];

    private string Delivery => isWebhook ? "webhook" : "longconn";

    private async Task<byte[]> HealthAsync(LocalRequest request, CancellationToken cancellationToken)
    {
        var agents = (await request.Person.AskAsync(DeviceVerbs.AgentsList, new AgentsListRequest(), cancellationToken)).Agents
            .Where(a => a.Installed).ToList();
        var machine = (await request.Person.AskAsync(DeviceVerbs.MachineStatus, new MachineStatusRequest(), cancellationToken)).Machine;
        var status = bot?.Invoke();
        var isReady = status is { State: EntryState.Ready };
        List<string> missing = [];
        if (status is not null && !isReady)
        {
            missing.Add(isWebhook ? "feishu webhook listener" : "feishu long connection listener");
        }

        if (agents.Count == 0)
        {
            missing.Add("agent backend readiness");
        }

        List<string> warnings = [.. machine.Warnings, "Which variables are set: /debug/env"];
        if (status is null)
        {
            warnings.Insert(0, "The bot is off: pocketcoder feishu config --on");
        }

        return JsonSerializer.SerializeToUtf8Bytes(
            new HealthAnswer(
                "ok", status is null ? "local" : "feishu", status is not null, Delivery, FeishuVerificationEnabled: false,
                FeishuSignatureEnabled: isWebhook, isReady, status is null ? "off" : status.Reason, SlackEnabled: false, Sqlite, null,
                agents.FirstOrDefault()?.Id, agents.Count > 0,
                agents.Count == 0 ? "none is installed" : string.Join(", ", agents.Select(a => $"{a.Id} {a.Version}".Trim())), missing, warnings),
            LocalJson.Default.HealthAnswer);
    }

    private Task<byte[]> BotAsync(LocalRequest request, CancellationToken cancellationToken)
    {
        var (arrived, asked, wrong) = trace?.Now ?? ([], [], []);
        var status = bot?.Invoke();
        return Task.FromResult(JsonSerializer.SerializeToUtf8Bytes(
            new BotAnswer(
                [.. arrived.Select(a => new InboundRow(
                    a.At, a.EventId, a.Type, a.UserId, a.ChatId, a.IsDirect is { } direct ? direct ? "dm" : "group" : null))],
                [.. asked.Select(a => new OutboundRow(a.At, a.Operation, a.Error))],
                [.. wrong.Select(w => new ErrorRow(w.At, w.Stage, w.Message))],
                new ListenerRow(
                    status is not null, Delivery, status is { State: EntryState.Ready }, status?.Reason, status is not null, status?.Since,
                    arrived.Count > 0 ? arrived[0].At : null, wrong.Count > 0 ? wrong[0].Message : null)),
            LocalJson.Default.BotAnswer));
    }

    private Task<byte[]> EnvAsync(LocalRequest request, CancellationToken cancellationToken)
        => Task.FromResult(JsonSerializer.SerializeToUtf8Bytes(
            new EnvAnswer(
                "Whether each is set in the daemon's environment. Neither values nor their lengths are told.",
                [.. Known.Select(c => new EnvCategory(c.Name, [.. c.Keys.Select(Variable)]))]),
            LocalJson.Default.EnvAnswer));

    private EnvVariable Variable(string key) => new(key, environment(key) is { Length: > 0 });
}

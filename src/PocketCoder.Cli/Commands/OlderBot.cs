using System.Text.Json;
using PocketCoder.Cli.Output;

namespace PocketCoder.Cli.Commands;

/// <summary>
/// What an older bot (PoCo) was set up with: its variables (<c>POCO_…</c>) and its file, flat by the same names or in sections. A variable
/// counts before the file, a flat name before a section; what is blank is not set. Its text holds no secret.
/// </summary>
/// <param name="IsWebhook">Null: neither way was set.</param>
/// <param name="Used">Names that something here was set from.</param>
/// <param name="LeftOut">Names that were set and mean nothing here, with what does.</param>
internal sealed record OlderBot(
    string? AppId, string? Secret, string? Domain, bool? IsWebhook, string? EncryptKey, IReadOnlyList<string> Used,
    IReadOnlyList<string> LeftOut)
{
    /// <summary>In the place of a file: the variables alone.</summary>
    public const string NoFile = "env";

    private const int MostBytes = 64 * 1024;
    private const int LongestName = 64;
    private const string Prefix = "POCO_";
    private const string App = Prefix + "FEISHU_APP_ID";
    private const string AppSecret = Prefix + "FEISHU_APP_SECRET";
    private const string Address = Prefix + "FEISHU_API_BASE_URL";
    private const string Delivery = Prefix + "FEISHU_DELIVERY_MODE";
    private const string Key = Prefix + "FEISHU_ENCRYPT_KEY";

    private const string Agents = "agents are set here by project: pocketcoder project defaults";
    private const string Programs = "agents are found on the PATH: pocketcoder agents";
    private const string Folders = "a session works in its project's folder: pocketcoder add FOLDER";
    private const string Asked = "what an agent does is asked for here, in a sandbox: pocketcoder project defaults";
    private const string Limits = "turns have no time limit here: stop them, or set a budget";
    private const string Slack = "there is no Slack here";
    private const string Kept = "what is kept is in the home";

    private static readonly string[] s_used = [App, AppSecret, Address, Delivery, Key];

    /// <summary>What the older bot knew beside those, and where it is here.</summary>
    private static readonly (string Why, string[] Names)[] s_others =
    [
        ("a webhook needs the Encrypt Key here", ["FEISHU_VERIFICATION_TOKEN"]),
        ("the machine's name is: pocketcoder machine label", ["APP_NAME"]),
        (Agents, ["AGENT_BACKEND", "CODEX_MODEL", "CODEX_REASONING_EFFORT", "CLAUDE_MODEL", "CURSOR_MODEL", "CURSOR_MODE", "COCO_MODEL"]),
        (Programs, ["CODEX_COMMAND", "CLAUDE_COMMAND", "CURSOR_COMMAND", "COCO_COMMAND"]),
        (Folders, ["CODEX_WORKDIR", "CLAUDE_WORKDIR", "CURSOR_WORKDIR", "COCO_WORKDIR"]),
        (Asked, ["CODEX_SANDBOX", "CODEX_APPROVAL_POLICY", "CLAUDE_PERMISSION_MODE", "CURSOR_SANDBOX", "COCO_APPROVAL_MODE"]),
        (Limits, ["CODEX_TIMEOUT_SECONDS", "CODEX_TRANSPORT_IDLE_SECONDS", "CLAUDE_TIMEOUT_SECONDS", "CURSOR_TIMEOUT_SECONDS",
            "COCO_TIMEOUT_SECONDS"]),
        (Slack, ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_DELIVERY_MODE"]),
        (Kept, ["STATE_BACKEND", "STATE_DB_PATH"]),
    ];

    private static readonly IReadOnlyDictionary<string, string> s_why = s_others
        .SelectMany(o => o.Names.Select(n => (Name: Prefix + n, o.Why))).ToDictionary(o => o.Name, o => o.Why, StringComparer.Ordinal);

    /// <summary>Every name of the older bot's, but the one that says where its file is.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. s_used, .. s_why.Keys];

    /// <param name="file">Or <see cref="NoFile"/>.</param>
    /// <exception cref="CommandFailure">It can't be read, or something in it can't be right; the message quotes nothing of it.</exception>
    public static OlderBot Read(string file, Func<string, string?> environment)
    {
        var set = file == NoFile ? [] : InFile(file);
        foreach (var name in Names)
        {
            if (environment(name)?.Trim() is { Length: > 0 } text)
            {
                set[name] = text;
            }
        }

        return new OlderBot(
            set.GetValueOrDefault(App), set.GetValueOrDefault(AppSecret), DomainOf(set.GetValueOrDefault(Address)),
            set.GetValueOrDefault(Delivery)?.ToLowerInvariant() switch
            {
                null => null,
                "longconn" => false,
                "webhook" => true,
                _ => throw Wrong($"{Delivery} is longconn or webhook."),
            },
            set.GetValueOrDefault(Key), [.. s_used.Where(set.ContainsKey)],
            [.. set.Keys.Except(s_used, StringComparer.Ordinal).Order(StringComparer.Ordinal).Select(
                n => $"{Shown(n)}: {s_why.GetValueOrDefault(n, "it is not known")}")]);
    }

    public override string ToString() => string.Join(' ', Used);

    private static string Shown(string name) => Untrusted.Show(name.Length <= LongestName ? name : name[..LongestName] + "…");

    private static string? DomainOf(string? address)
        => address is null ? null
            : Uri.TryCreate(address, UriKind.Absolute, out var url) && url.Host.Length > 0 ? url.GetLeftPart(UriPartial.Authority)
            : throw Wrong($"{Address} is a full address, like https://open.feishu.cn.");

    private static Dictionary<string, string> InFile(string file)
    {
        try
        {
            using var open = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var bytes = new byte[MostBytes + 1];
            var length = open.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            return length <= MostBytes ? InJson(bytes.AsMemory(0, length)) : throw Wrong($"The file has more than {MostBytes} bytes.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // Its own message would quote the name as it is.
            var why = e is FileNotFoundException or DirectoryNotFoundException ? "is not there" : "can't be read";
            throw new CommandFailure($"{Untrusted.Show(file)} {why}.", ExitCode.Usage);
        }
    }

    internal static Dictionary<string, string> InJson(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 8, AllowDuplicateProperties = false });
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
            {
                throw Wrong("The file is no JSON object.");
            }

            var set = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var section in root.EnumerateObject().Where(p => p.Value.ValueKind == JsonValueKind.Object))
            {
                foreach (var property in section.Value.EnumerateObject())
                {
                    Add(set, $"{Prefix}{section.Name}_{property.Name}".ToUpperInvariant(), property.Value);
                }
            }

            foreach (var property in root.EnumerateObject().Where(p => p.Value.ValueKind != JsonValueKind.Object))
            {
                Add(set, property.Name, property.Value);
            }

            return set;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException) // the latter: a text that is no Unicode
        {
            throw Wrong("The file is no JSON, is too deep, or has a name twice.");
        }
    }

    private static void Add(Dictionary<string, string> set, string name, JsonElement value)
    {
        var text = value.ValueKind switch
        {
            JsonValueKind.String => value.GetString()!.Trim(),
            JsonValueKind.Null => "",
            JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False when !s_used.Contains(name) => value.GetRawText(),
            _ => throw Wrong($"{Shown(name)} is no text."),
        };
        if (text.Length > 0)
        {
            set[name] = text;
        }
    }

    private static CommandFailure Wrong(string message) => new(message, ExitCode.Usage);
}

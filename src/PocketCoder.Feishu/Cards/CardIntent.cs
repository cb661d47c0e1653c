using PocketCoder.Feishu.Events;

namespace PocketCoder.Feishu.Cards;

/// <summary>
/// What a person wants who used a card. The order is of no meaning; the names on the wire are in <see cref="CardIntent"/>.
/// </summary>
public enum CardVerb
{
    /// <summary>Show the list of projects.</summary>
    Home,
    NewProject,
    CreateProject,
    Manage,
    OpenProject,
    HideProject,
    ShowProject,

    /// <summary>Ask whether to delete: the card then has <see cref="ConfirmDelete"/>.</summary>
    DeleteProject,
    ConfirmDelete,
    ArchiveProject,
    UnarchiveProject,
    BindGroup,
    OpenWorkspace,
    BrowseFolder,
    TypeFolder,
    ApplyFolder,
    DefaultFolder,
    UseDefaultFolder,
    Presets,
    UsePreset,
    AddPreset,
    RemovePreset,
    RecentFolders,
    ChooseAgent,
    ApplyAgent,
    ChooseSession,
    ApplySession,
    TypeSession,
    NewSession,

    /// <summary>Show the form for a prompt.</summary>
    Compose,
    Submit,
    OpenTurn,
    Stop,
    Continue,

    /// <summary>Give the running turn another prompt.</summary>
    Steer,

    /// <summary>Give a waiting prompt to the running turn.</summary>
    SteerQueued,
    RemoveQueued,
    OpenApproval,
    Allow,
    Reject,
    Help,
    Status,
    Usage,
}

/// <summary>
/// What came back from a card, read strictly. It proves nothing: the ids are opaque tokens that whoever acts on it must find among those
/// that this person may use, and the nonce must be known and unused. Its text shows no prompt.
/// </summary>
/// <param name="Verb">What is wanted.</param>
/// <param name="Nonce">Of the card that the button belongs to.</param>
public sealed record CardIntent(CardVerb Verb, string Nonce)
{
    /// <summary>The longest id and nonce, in characters.</summary>
    public const int LongestId = 64;

    /// <summary>The longest folder, in characters.</summary>
    public const int LongestFolder = 1024;

    /// <summary>The longest name or other choice, in characters.</summary>
    public const int LongestChoice = 200;

    /// <summary>The longest prompt that a form takes, in characters: the platform's bound of an input.</summary>
    public const int LongestPrompt = 1000;

    /// <summary>The most fields of an agent's settings.</summary>
    public const int MostSettings = 8;

    private static readonly Dictionary<CardVerb, VerbShape> s_shapes = new()
    {
        [CardVerb.Home] = new("home", [], [], HasPage: true),
        [CardVerb.NewProject] = new("project.new", [], []),
        [CardVerb.CreateProject] = new("project.create", [], ["name", "agent"], Optional: ["folder"]),
        [CardVerb.Manage] = new("project.manage", [], [], HasPage: true),
        [CardVerb.OpenProject] = new("project.open", ["p"], []),
        [CardVerb.HideProject] = new("project.hide", ["p"], []),
        [CardVerb.ShowProject] = new("project.show", ["p"], []),
        [CardVerb.DeleteProject] = new("project.delete", ["p"], []),
        [CardVerb.ConfirmDelete] = new("project.delete_sure", ["p"], []),
        [CardVerb.ArchiveProject] = new("project.archive", ["p"], []),
        [CardVerb.UnarchiveProject] = new("project.unarchive", ["p"], []),
        [CardVerb.BindGroup] = new("project.bind_group", ["p"], []),
        [CardVerb.OpenWorkspace] = new("workspace.open", ["p"], []),
        [CardVerb.BrowseFolder] = new("workspace.browse", ["p"], [], HasFolder: true, Optional: ["folder"]),
        [CardVerb.TypeFolder] = new("workspace.type_folder", ["p"], []),
        [CardVerb.ApplyFolder] = new("workspace.apply_folder", ["p"], [], HasFolder: true, Optional: ["folder"]),
        [CardVerb.DefaultFolder] = new("workspace.default_folder", ["p"], []),
        [CardVerb.UseDefaultFolder] = new("workspace.use_default", ["p"], []),
        [CardVerb.Presets] = new("workspace.presets", ["p"], []),
        [CardVerb.UsePreset] = new("workspace.use_preset", ["p"], [], HasFolder: true),
        [CardVerb.AddPreset] = new("workspace.add_preset", ["p"], ["folder"]),
        [CardVerb.RemovePreset] = new("workspace.remove_preset", ["p"], [], HasFolder: true),
        [CardVerb.RecentFolders] = new("workspace.recent", ["p"], []),
        [CardVerb.ChooseAgent] = new("workspace.agent", ["p"], []),
        [CardVerb.ApplyAgent] = new("workspace.apply_agent", ["p"], [], Optional: ["agent", "model"], HasSettings: true),
        [CardVerb.ChooseSession] = new("workspace.session", ["p"], []),
        [CardVerb.ApplySession] = new("workspace.apply_session", ["p"], ["session"]),
        [CardVerb.TypeSession] = new("workspace.type_session", ["p"], []),
        [CardVerb.NewSession] = new("workspace.new_session", ["p"], []),
        [CardVerb.Compose] = new("task.compose", ["p"], []),
        [CardVerb.Submit] = new("task.submit", ["p"], ["prompt"]),
        [CardVerb.OpenTurn] = new("task.open", ["s", "t"], [], HasPage: true),
        [CardVerb.Stop] = new("task.stop", ["s", "t"], []),
        [CardVerb.Continue] = new("task.continue", ["s", "t"], []),
        [CardVerb.Steer] = new("task.steer", ["s", "t"], ["prompt"]),
        [CardVerb.SteerQueued] = new("queue.steer", ["s", "q"], []),
        [CardVerb.RemoveQueued] = new("queue.remove", ["s", "q"], []),
        [CardVerb.OpenApproval] = new("approval.open", ["r"], []),
        [CardVerb.Allow] = new("approval.allow", ["r"], []),
        [CardVerb.Reject] = new("approval.reject", ["r"], []),
        [CardVerb.Help] = new("help", [], []),
        [CardVerb.Status] = new("status", [], []),
        [CardVerb.Usage] = new("usage", [], []),
    };

    private static readonly Dictionary<string, CardVerb> s_verbs
        = s_shapes.ToDictionary(s => s.Value.Name, s => s.Key, StringComparer.Ordinal);

    public string? Project { get; init; }

    public string? Session { get; init; }

    public string? Turn { get; init; }

    /// <summary>The id of a waiting prompt.</summary>
    public string? Queued { get; init; }

    public string? Approval { get; init; }

    /// <summary>From 0; null: the last, or the first of a list.</summary>
    public int? Page { get; init; }

    /// <summary>A path as the person or the card wrote it: untrusted.</summary>
    public string? Folder { get; init; }

    public string? Name { get; init; }

    public string? Agent { get; init; }

    public string? Model { get; init; }

    /// <summary>What a person typed for the agent.</summary>
    public string? Prompt { get; init; }

    /// <summary>An agent's other settings, by the name of their field.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Reads what a card sent.</summary>
    /// <exception cref="FeishuException">Unknown verb, a value missing, one too many, too long, or of a wrong form.</exception>
    public static CardIntent Read(CardAction action)
    {
        var value = action.Value;
        if (!s_verbs.TryGetValue(value.GetValueOrDefault("a") ?? "", out var verb))
        {
            throw Wrong("its action is not known");
        }

        var shape = s_shapes[verb];
        if (value.Keys.FirstOrDefault(k => !shape.Allows(k)) is not null)
        {
            throw Wrong("it has a value that does not belong to its action");
        }

        var fields = Fields(action, shape);
        return new CardIntent(verb, IdOf(value, "n"))
        {
            Project = shape.Ids.Contains("p") ? IdOf(value, "p") : null,
            Session = shape.Ids.Contains("s") ? IdOf(value, "s") : fields.GetValueOrDefault("session"),
            Turn = shape.Ids.Contains("t") ? IdOf(value, "t") : null,
            Queued = shape.Ids.Contains("q") ? IdOf(value, "q") : null,
            Approval = shape.Ids.Contains("r") ? IdOf(value, "r") : null,
            Page = shape.HasPage && value.TryGetValue("g", out var page) ? PageOf(page) : null,
            Folder = fields.GetValueOrDefault("folder") ?? (shape.HasFolder ? Bounded(value.GetValueOrDefault("d"), LongestFolder) : null),
            Name = fields.GetValueOrDefault("name"),
            Agent = fields.GetValueOrDefault("agent"),
            Model = fields.GetValueOrDefault("model"),
            Prompt = fields.GetValueOrDefault("prompt"),
            Settings = fields.Where(f => f.Key.StartsWith(SettingPrefix, StringComparison.Ordinal))
                .ToDictionary(f => f.Key[SettingPrefix.Length..], f => f.Value, StringComparer.Ordinal),
        };
    }

    public override string ToString() => s_shapes[Verb].Name;

    internal const string SettingPrefix = "set_";

    /// <summary>The values that a button carries. <see cref="Read"/> gets the same intent from them, and from the form.</summary>
    internal IEnumerable<(string Key, string Value)> Values()
    {
        var shape = s_shapes[Verb];
        (string Key, string? Value)[] all =
        [
            ("a", shape.Name), ("n", Nonce), ("p", Project), ("s", shape.Ids.Contains("s") ? Session : null), ("t", Turn), ("q", Queued),
            ("r", Approval), ("g", Page?.ToString(System.Globalization.CultureInfo.InvariantCulture)), ("d", shape.HasFolder ? Folder : null),
        ];
        foreach (var (key, text) in all)
        {
            if (text is not null)
            {
                yield return shape.Allows(key) && (key is "a" or "d" or "g" || IsToken(text)) && text.Length <= LongestFolder ? (key, text)
                    : throw new FeishuException(FeishuError.Invalid, $"'{key}' can't be a value of a button for {shape.Name}.");
            }
        }

        if (shape.Ids.FirstOrDefault(i => all.Single(a => a.Key == i).Value is null) is { } missing)
        {
            throw new FeishuException(FeishuError.Invalid, $"A button for {shape.Name} needs '{missing}'.");
        }
    }

    internal static bool IsToken(string? text)
        => text is { Length: > 0 and <= LongestId } && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.' or ':');

    private static Dictionary<string, string> Fields(CardAction action, VerbShape shape)
    {
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, values) in action.Form)
        {
            var isSetting = shape.HasSettings && name.StartsWith(SettingPrefix, StringComparison.Ordinal) && IsToken(name);
            if (!isSetting && !shape.Form.Contains(name) && shape.Optional?.Contains(name) != true)
            {
                throw Wrong("it has a field that does not belong to its action");
            }

            if (values.Count > 1)
            {
                throw Wrong("a field has more than one value");
            }

            if (values.Count == 1 && values[0].Trim() is { Length: > 0 } text)
            {
                fields[name] = Bounded(text, name switch { "prompt" => LongestPrompt, "folder" => LongestFolder, _ => LongestChoice })!;
            }
        }

        return shape.Form.Any(f => !fields.ContainsKey(f)) ? throw Wrong("a field is empty")
            : fields.Count > MostSettings + 2 ? throw Wrong("it has too many fields")
            : fields;
    }

    private static string IdOf(IReadOnlyDictionary<string, string> value, string key)
        => value.GetValueOrDefault(key) is { } id && IsToken(id) ? id : throw Wrong($"its value '{key}' is missing or no id");

    private static int PageOf(string text)
        => text.Length is > 0 and <= 4 && text.All(char.IsAsciiDigit)
            ? int.Parse(text, System.Globalization.CultureInfo.InvariantCulture)
            : throw Wrong("its page is no number from 0 to 9999");

    private static string? Bounded(string? text, int most)
        => text is null || (text.Length <= most && !text.Contains('\0', StringComparison.Ordinal)) ? text : throw Wrong("a value is too long or has a NUL");

    private static FeishuException Wrong(string why) => new(FeishuError.Malformed, $"What the card sent can't be used: {why}.");

    /// <param name="Ids">Values that a button must have: project, session, turn, queued prompt, approval (r).</param>
    /// <param name="Form">Fields that must be filled in.</param>
    /// <param name="Optional">Fields that may be.</param>
    private sealed record VerbShape(
        string Name, string[] Ids, string[] Form, bool HasPage = false, bool HasFolder = false, bool HasSettings = false,
        string[]? Optional = null)
    {
        public bool Allows(string key) => key is "a" or "n" || Ids.Contains(key) || (key == "g" && HasPage) || (key == "d" && HasFolder);
    }
}

using System.Text.Json;
using PocketCoder.Agents.Shared;
using PocketCoder.Agents.Shared.Mcp;

namespace PocketCoder.Agents.OpenCode;

/// <summary>
/// What OpenCode may do, and what it must ask. Of several rules that fit the last one counts, so everything is denied first. They are given
/// twice: with the settings of the process, and with the session, whose rules come after those of the person's own settings and agents
/// (seen with 1.18.33).
/// </summary>
internal static class OpenCodeRules
{
    public const string McpPrefix = McpToolEndpoint.ServerName + "_";

    /// <summary>
    /// <c>bash</c> is denied in every session, ours takes its place: OpenCode asks for the commands it finds in a line, and a line without
    /// any that it counts (<c>cd x 2&gt; file</c>, <c>[[ 1 ]] &gt; file</c>) writes files unasked (seen with 1.18.33). Sub-agents don't get
    /// what is to be asked from the session above, and ask by the person's own settings.
    /// </summary>
    private static readonly string[] s_denied = ["bash", "task", "skill", "websearch", "codesearch", "plan_enter", "plan_exit", "lsp"];

    /// <summary>Tools of OpenCode's own that exist in 1.18.33, denied ones too. One more comes from somebody's code.</summary>
    public static IReadOnlySet<string> Known { get; } = new HashSet<string>(StringComparer.Ordinal)
    {
        "invalid", "question", "bash", "read", "glob", "grep", "edit", "write", "task", "webfetch", "todowrite", "websearch", "skill",
        "apply_patch",
    };

    /// <summary>
    /// Reading is asked of us in a sandbox too: OpenCode looks at the words of a path only, and a link of the project leads to whatever the
    /// sandbox holds, its own environment among it.
    /// </summary>
    /// <param name="gated">In a sandboxed session: nothing is fetched, and nothing outside of the project is read.</param>
    public static IReadOnlyList<(string Permission, string Action)> For(bool gated) =>
    [
        ("*", "deny"), ("read", "ask"), ("glob", "ask"), ("grep", "ask"), ("list", "ask"), ("todowrite", "allow"), ("question", "allow"),
        ("edit", "ask"),
        ("webfetch", gated ? "deny" : "ask"), ("external_directory", "ask"), ("doom_loop", "ask"), ($"{McpPrefix}*", "allow"),
        .. s_denied.Select(d => (d, "deny")),
    ];

    /// <summary>As a member of the settings.</summary>
    public static void WriteSettings(Utf8JsonWriter w, bool gated)
    {
        w.WriteStartObject("permission");
        foreach (var (permission, action) in For(gated))
        {
            w.WriteString(permission, action);
        }

        w.WriteEndObject();
    }

    /// <summary>As a member of a session.</summary>
    public static void WriteSession(Utf8JsonWriter w, bool gated)
    {
        w.WriteStartArray("permission");
        foreach (var (permission, action) in For(gated))
        {
            w.WriteStartObject();
            w.WriteString("permission", permission);
            w.WriteString("pattern", "*");
            w.WriteString("action", action);
            w.WriteEndObject();
        }

        w.WriteEndArray();
    }

    /// <summary>Whether the session's own rules end with ours: then nothing before them counts.</summary>
    public static bool Hold(JsonElement session, bool gated)
        => session.Items("permission").Select(r => (r.Text("permission") ?? "", r.Text("action") ?? "", r.Text("pattern")))
            .ToList() is var there
            && For(gated).Select(r => (r.Permission, r.Action, (string?)"*")).ToList() is var ours
            && there.Count >= ours.Count && there[^ours.Count..].SequenceEqual(ours);
}

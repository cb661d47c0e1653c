using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.Codex;

/// <summary>
/// The project's notes (<c>AGENTS.md</c>). Codex reads them through an environment, and its turns have none here, so they are read by us
/// and told in the form that Codex itself uses: as words beside the person's, not as instructions of ours (0.169.0).
/// </summary>
/// <param name="Text">What the model is told; null: there are none.</param>
internal sealed record CodexNotes(string? Text)
{
    /// <summary>Bytes taken unless the person's settings say another number (<c>project_doc_max_bytes</c>). Codex's own default.</summary>
    private const int UsualBytes = 32 * 1024;

    private const int MostNames = 8;

    /// <summary>In Codex's order: the first that has words counts.</summary>
    private static readonly string[] s_names = ["AGENTS.override.md", "AGENTS.md"];

    /// <summary>Tells one version from another; empty: there are none.</summary>
    public string Digest => Text is null ? "" : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Text)));

    /// <param name="config">Codex's settings as it reads them itself; null: it did not say.</param>
    public static CodexNotes Read(string workingDirectory, JsonElement? config)
    {
        var most = config?.Member("project_doc_max_bytes") is { ValueKind: JsonValueKind.Number } own
            && own.TryGetInt64(out var bytes) ? (int)Math.Clamp(bytes, 0, NotesFile.MaxBytes) : UsualBytes;
        var others = config?.Items("project_doc_fallback_filenames").Select(n => n.AsText()).OfType<string>()
            .Where(n => n.Length > 0 && Path.GetFileName(n) == n).Take(MostNames) ?? [];
        foreach (var name in most > 0 ? s_names.Concat(others) : [])
        {
            if (ConfinedPath.ResolveBeneath(workingDirectory, name) is { } real && NotesFile.Start(real, most) is { } content
                && !string.IsNullOrWhiteSpace(content))
            {
                return new CodexNotes(
                    $"# AGENTS.md instructions for {workingDirectory}\n\n<INSTRUCTIONS>\n{NotesFile.Within("INSTRUCTIONS", content)}\n</INSTRUCTIONS>");
            }
        }

        return new CodexNotes((string?)null);
    }

    /// <summary>Parameters of <c>thread/inject_items</c>.</summary>
    public void Write(Utf8JsonWriter w, string threadId)
    {
        w.WriteString("threadId", threadId);
        w.WriteStartArray("items");
        w.WriteStartObject();
        w.WriteString("type", "message");
        w.WriteString("role", "user");
        w.WriteStartArray("content");
        w.WriteStartObject();
        w.WriteString("type", "input_text");
        w.WriteString("text", Text);
        w.WriteEndObject();
        w.WriteEndArray();
        w.WriteEndObject();
        w.WriteEndArray();
    }
}

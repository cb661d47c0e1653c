using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using PocketCoder.Agents;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Approvals;

/// <summary>
/// What exactly is approved, as one SHA-256: every field is prefixed with its length, so no two different things share their bytes.
/// </summary>
internal static class ApprovalDigest
{
    private const string Domain = "pocketcoder-approval-v1";

    /// <summary>Digest (lower-case hex) of a tool call in a session: agent, session, directory, tool, its exact input, and for edits the file before and after.</summary>
    /// <param name="pins">For what the machine runs itself: what it means beside its text (folder, scripts, environment), as one hash.</param>
    public static string Of(string agent, Guid session, string directory, AgentApprovalAsked asked, string? pins = null)
    {
        var change = (asked.Subject as AgentSubject.Edit)?.Change;
        return Hash([
            Domain,
            agent,
            session.ToString(),
            directory,
            asked.ToolName,
            asked.InputJson,
            change?.Path,
            change is null ? null : TextHash(change.Before),
            change is null ? null : TextHash(change.After),
            .. pins is null ? Array.Empty<string>() : [pins]]);
    }

    /// <summary>Digest of a question or a plan: there is nothing to execute, but the answer belongs to exactly this text.</summary>
    public static string OfText(string agent, Guid session, string kind, string text) => Hash(Domain, agent, session.ToString(), kind, text);

    /// <summary>Digest of a prompt that waits for a yes, with the files that go with it: whole ones never change under their id.</summary>
    public static string OfPrompt(string agent, Guid session, string text, IReadOnlyList<AttachmentInfo> attachments)
        => Hash([Domain, agent, session.ToString(), "prompt", text, .. attachments.SelectMany(a => (string[])[a.AttachmentId.ToString(), a.Name])]);

    /// <summary>Digest of what a person asks for in a project.</summary>
    /// <param name="fields">Everything that it depends on: operation, paths with what they hold, addresses, objects by their ids.</param>
    public static string OfProject(Guid project, string kind, params ReadOnlySpan<string?> fields) => Hash([Domain, ApprovalDesk.Person, project.ToString(), kind, .. fields]);

    /// <summary>Digest of a host that a session's sandbox wants to reach; an allowance covers exactly this.</summary>
    public static string OfHost(string agent, Guid session, string host, int port) => Hash(Domain, agent, session.ToString(), "network", host, port.ToString(System.Globalization.CultureInfo.InvariantCulture));

    /// <summary>
    /// What "the same thing again" means for an allowance over a turn or session. A command: the same command line in the same directory, with the
    /// same options (the model's own description and its time limit may differ). An edit: the same file. Another tool: exactly the same input.
    /// </summary>
    public static (string Key, string Words) Reach(string agent, string directory, AgentApprovalAsked asked) => asked.Subject switch
    {
        AgentSubject.Edit edit => (Hash("edit", agent, edit.Change.Path), $"any edit of {edit.Change.Path}"),
        AgentSubject.Command command => (Hash("command", agent, command.WorkingDirectory, Canonical(asked.InputJson, "description", "timeout")), $"exactly this command in {command.WorkingDirectory}"),
        _ => (Hash("tool", agent, directory, asked.ToolName, Canonical(asked.InputJson)), $"{asked.ToolName} with exactly this input"),
    };

    private static string TextHash(string? text) => text is null ? "-" : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private static string Hash(params ReadOnlySpan<string?> fields)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> length = stackalloc byte[8];
        foreach (var field in fields)
        {
            var bytes = field is null ? null : Encoding.UTF8.GetBytes(field);
            BinaryPrimitives.WriteInt64BigEndian(length, bytes?.Length ?? -1);
            hash.AppendData(length);
            hash.AppendData(bytes ?? []);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>The input with its top-level properties in ordinal order and without the named ones; text that is no JSON object stays as it is.</summary>
    private static string Canonical(string json, params ReadOnlySpan<string> without)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                return json;
            }

            var text = new StringBuilder();
            foreach (var property in document.RootElement.EnumerateObject().OrderBy(p => p.Name, StringComparer.Ordinal))
            {
                if (!without.Contains(property.Name))
                {
                    var value = property.Value.GetRawText();
                    text.Append(property.Name.Length).Append(':').Append(property.Name).Append(value.Length).Append(':').Append(value);
                }
            }

            return text.ToString();
        }
        catch (JsonException)
        {
            return json;
        }
    }
}

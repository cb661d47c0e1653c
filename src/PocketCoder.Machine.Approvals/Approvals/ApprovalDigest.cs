using System.Buffers.Binary;
using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Approvals;

/// <summary>
/// What exactly is approved: names with their values, and one SHA-256 over all of them. docs/protocol.md ("The digest") has the names and
/// the formula; every name and value is preceded by its length, so no two different things share their bytes. The values stand in the
/// request and in the ledger's row, so anybody can compute it again.
/// </summary>
public static class ApprovalDigest
{
    /// <summary>Stands before the names and values, and in the row that the daemon started with.</summary>
    public const string Domain = "pocketcoder-approval-v2";

    /// <summary>The value of what is not there.</summary>
    public const string Absent = "-";

    /// <summary>Every name that a digest can cover: docs/protocol.md has a row for each.</summary>
    public static FrozenSet<string> Names { get; } = FrozenSet.Create(
        StringComparer.Ordinal,
        "kind", "agent", "project", "session", "turn", "device", "sandbox", "reach", "tool", "what", "cwd", "directory", "input", "same",
        "before", "after", "reads", "scripts", "meaning", "pins",
        "job", "content", "text", "operation", "exactly");

    /// <summary>The request with its digest and what that covers.</summary>
    /// <param name="exactly">What the request itself doesn't tell (<see cref="OfProject"/> and its neighbours). It wins over what the
    /// request tells.</param>
    public static ApprovalInfo Cover(ApprovalInfo asked, IReadOnlyDictionary<string, string> exactly)
    {
        var covers = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["kind"] = Word(asked.Kind),
            ["agent"] = asked.Agent,
            ["project"] = asked.ProjectId.ToString(),
            ["what"] = Sha256(SubjectText.Of(asked)),
        };
        Add(covers, "session", asked.AgentSessionId?.ToString());
        Add(covers, "turn", asked.AgentSessionId is null ? null : asked.TurnId.ToString());
        Add(covers, "device", asked.RequestedById);
        Add(covers, "sandbox", SandboxName.Of(asked.Sandbox));
        Add(covers, "reach", asked.Reach);
        Add(covers, "tool", SubjectText.ToolOf(asked));
        Add(covers, "cwd", (asked.Subject as CommandSubject)?.Cwd);
        foreach (var (name, value) in exactly)
        {
            covers[Names.Contains(name) ? name : throw new ArgumentException($"the digest has no '{name}'", nameof(exactly))] = value;
        }

        return asked with { Covers = covers, Digest = Digest(covers) };
    }

    /// <summary>
    /// Whether an approval is about exactly this. One of a version before, whose digest is another one, is about nothing: it must be asked
    /// again.
    /// </summary>
    public static bool Fits(ApprovalInfo approval, IReadOnlyDictionary<string, string> exactly)
        => string.Equals(Cover(approval, exactly).Digest, approval.Digest, StringComparison.Ordinal);

    /// <summary>The digest (lower-case hex) over names and values.</summary>
    public static string Digest(IEnumerable<KeyValuePair<string, string>> covers)
        => Hash([Domain, .. covers.OrderBy(c => c.Key, StringComparer.Ordinal).SelectMany(c => (string[])[c.Key, c.Value])]);

    /// <summary>The same with one fact more: the job that input is for, the content of a file that is sent.</summary>
    public static IReadOnlyDictionary<string, string> With(this IReadOnlyDictionary<string, string> covers, string name, string value)
        => new Dictionary<string, string>(covers, StringComparer.Ordinal) { [name] = value };

    /// <summary>A question, a plan or a prompt: there is nothing to execute, but the answer belongs to exactly this text.</summary>
    public static IReadOnlyDictionary<string, string> OfText(string text)
        => new Dictionary<string, string>(StringComparer.Ordinal) { ["text"] = Sha256(text) };

    /// <summary>A prompt that waits for a yes, with the files that go with it: whole ones never change under their id.</summary>
    public static IReadOnlyDictionary<string, string> OfPrompt(string text, IReadOnlyList<AttachmentInfo> attachments)
        => OfText(text).With("exactly", Hash([.. attachments.SelectMany(a => (string[])[a.AttachmentId.ToString(), a.Name])]));

    /// <summary>What a person asks for in a project.</summary>
    /// <param name="fields">Everything that it depends on: paths with what they hold, addresses, objects by their ids.</param>
    public static IReadOnlyDictionary<string, string> OfProject(Guid project, string operation, params ReadOnlySpan<string?> fields)
        => new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["project"] = project.ToString(),
            ["operation"] = operation,
            ["exactly"] = Hash(fields),
        };

    /// <summary>The same for a command, with what it means beside its text.</summary>
    public static IReadOnlyDictionary<string, string> With(this IReadOnlyDictionary<string, string> covers, ICommandMeaning pins)
        => new Dictionary<string, string>(covers, StringComparer.Ordinal)
        {
            ["pins"] = pins.Digest,
            ["meaning"] = pins.MeaningDigest,
            ["scripts"] = Hash([.. pins.Scripts.SelectMany(s => (string[])[s.Path, s.Sha256 ?? Absent])]),
        };

    /// <summary>A host that a session's sandbox wants to reach: nothing more than the request tells.</summary>
    public static IReadOnlyDictionary<string, string> OfHost { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>What an allowance for a host covers: exactly this host and port, in this session.</summary>
    public static string HostReach(string agent, Guid session, string host, int port)
        => Hash("pocketcoder-approval-v1", agent, session.ToString(), "network", host,
            port.ToString(System.Globalization.CultureInfo.InvariantCulture));

    private static void Add(SortedDictionary<string, string> covers, string name, string? value)
    {
        if (value is not null)
        {
            covers[name] = value;
        }
    }

    private static string Word(ApprovalKind kind) => JsonSerializer.Serialize(kind, ProtocolJson.Default.ApprovalKind).Trim('"');

    /// <summary>Lower-case hex over the text in UTF-8.</summary>
    public static string Sha256(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    /// <summary>Lower-case hex over the fields, each preceded by its length; null differs from every text.</summary>
    public static string Hash(params ReadOnlySpan<string?> fields)
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

    /// <summary>
    /// The input with its top-level properties in ordinal order and without the named ones; text that is no JSON object stays as it is.
    /// </summary>
    public static string Canonical(string json, params ReadOnlySpan<string> without)
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

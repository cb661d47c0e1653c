using System.Text.Json;
using System.Text.RegularExpressions;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.Acp;

/// <summary>
/// Further ACP agents, from <c>agents.json</c> in PocketCoder's own directory:
/// <c>{"agents":[{"id":"x","name":"X","command":["x","acp"],"environment":["X_API_KEY"],"modes":["ask"]}]}</c>. An entry with <c>known</c>
/// (<see cref="AcpAgent.Known"/>) takes its settings from there, and the command too unless it names one. The file is the owner's: what it
/// names is run.
/// </summary>
/// <param name="Problem">Why the file, or an entry of it, is not used, for people; null: nothing is wrong.</param>
public sealed partial record AcpConfiguration(IReadOnlyList<AcpAgent> Agents, string? Problem)
{
    public const string FileName = "agents.json";

    private const int MaxBytes = 64 * 1024;
    private const int MaxAgents = 32;

    /// <summary>Reads it. Never throws: a file that is wrong gives a <see cref="Problem"/> and the entries that are right.</summary>
    /// <param name="taken">Ids that can't be used again.</param>
    public static AcpConfiguration Read(string home, IReadOnlyCollection<string> taken)
    {
        var path = Path.Combine(home, FileName);
        try
        {
            if (!File.Exists(path))
            {
                return new AcpConfiguration([], null);
            }

            return new FileInfo(path).Length > MaxBytes ? new AcpConfiguration([], $"{path} is longer than {MaxBytes} bytes.")
                : Parse(File.ReadAllBytes(path), path, taken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new AcpConfiguration([], e.Message);
        }
    }

    internal static AcpConfiguration Parse(byte[] text, string path, IReadOnlyCollection<string> taken)
    {
        using var document = LineJson.TryParse(text);
        if (document is null || document.RootElement.Member("agents") is not { ValueKind: JsonValueKind.Array } list)
        {
            return new AcpConfiguration([], $"{path} is not understood: {{\"agents\":[…]}} is expected.");
        }

        var agents = new List<AcpAgent>();
        var problems = new List<string>();
        var number = 0;
        foreach (var entry in list.EnumerateArray().Take(MaxAgents))
        {
            number++;
            var command = Texts(entry, "command");
            if (entry.Text("id") is not { } id || !Id().IsMatch(id) || taken.Contains(id, StringComparer.Ordinal)
                || agents.Exists(a => a.Id == id))
            {
                problems.Add($"Agent {number} in {path} needs an id of its own: lower-case letters, digits and dashes.");
            }
            else if (entry.Text("known") is { } known)
            {
                if (AcpAgent.Known.FirstOrDefault(a => a.Id == known) is not { } data)
                {
                    problems.Add(
                        $"Agent {id} in {path}: {known} is not known here; known: {string.Join(", ", AcpAgent.Known.Select(a => a.Id))}.");
                    continue;
                }

                var own = command is { Count: > 0 } && command[0].Length > 0;
                agents.Add(data with
                {
                    Id = id,
                    Name = Named(entry) ?? data.Name,
                    Program = own ? command![0] : data.Program,
                    Arguments = own ? [.. command!.Skip(1)] : data.Arguments,
                });
            }
            else if (command is not { Count: > 0 } || command[0].Length == 0)
            {
                problems.Add($"Agent {id} in {path} needs a command: [\"program\", \"argument\", …].");
            }
            else
            {
                agents.Add(new AcpAgent(id, Named(entry) ?? id, command[0], [.. command.Skip(1)])
                {
                    EnvironmentNames = Texts(entry, "environment") ?? [],
                    Modes = Texts(entry, "modes") ?? [],
                    Models = true,
                    Efforts = true,
                    Questions = true,
                    Plans = true,
                    Conversations = true,
                    Usage = true,
                    Images = entry.IsTrue("images"),
                });
            }
        }

        return new AcpConfiguration(agents, problems.Count == 0 ? null : string.Join(' ', problems));
    }

    private static string? Named(JsonElement entry) => entry.Text("name") is { Length: > 0 and <= 60 } name ? name : null;

    private static IReadOnlyList<string>? Texts(JsonElement entry, string name)
    {
        var texts = entry.Items(name).Select(i => i.AsText()).ToList();
        return texts.Contains(null) ? null : [.. texts.Select(t => t!)];
    }

    [GeneratedRegex(@"\A[a-z][a-z0-9-]{0,31}\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Id();
}

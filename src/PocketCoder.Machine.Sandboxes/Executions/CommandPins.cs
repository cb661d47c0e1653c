using System.Buffers;
using System.IO.Enumeration;
using System.Security.Cryptography;
using System.Text;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Executions.Code;
using PocketCoder.Protocol;
using PocketCoder.Risks;

namespace PocketCoder.Machine.Executions;

/// <summary>
/// What a command means beside its text: the folder it begins in, the files whose code it runs, what its patterns match, its environment.
/// Taken when it is asked and again right before it begins; any difference is a refusal. Immutable.
/// </summary>
/// <param name="Folder">Real path.</param>
/// <param name="Identities">Of the project and of the folder.</param>
/// <param name="Patterns">For what destroys: each pattern, in order, with a hash of what it matches. Elsewhere a new file between is life,
/// not an attack.</param>
/// <param name="Scripts">The files whose code it runs, also through scripts and task runners (<see cref="CodeFinder"/>).</param>
/// <param name="Loose">Code that runs besides and is not held.</param>
/// <param name="Environment">Hash of the names and values that the command gets beside the sandbox's own.</param>
public sealed record CommandPins(
    string Folder, IReadOnlyList<string> Identities, IReadOnlyList<ScriptInfo> Scripts, IReadOnlyList<LooseCode> Loose,
    IReadOnlyList<string> Patterns, string Environment) : ICommandMeaning
{
    /// <summary>Largest script that is hashed; larger ones are shown as not held.</summary>
    private const long MaxScriptBytes = 16 << 20;

    private const int MaxMatches = 10_000;

    /// <summary>Of a command that gets nothing beside the sandbox's own.</summary>
    public static IReadOnlyDictionary<string, string> NoEnvironment { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>
    /// The servers that packages will come from, as far as configuration names them. For people; not a part of what is approved.
    /// </summary>
    private PackageServers Servers { get; init; } = PackageServers.None;

    /// <param name="home">The home folder whose configuration the command reads; null when it runs in a sandbox with a home of its
    /// own.</param>
    public static CommandPins Take(
        string project, string folder, string command, IReadOnlyDictionary<string, string> environment, string? home = null)
    {
        var risk = RiskAssessor.Assess(command, folder, project);
        var code = CodeFinder.Find(project, risk);
        return new CommandPins(
            folder,
            [CommandFolder.IdentityOf(project)?.ToString() ?? "", CommandFolder.IdentityOf(folder)?.ToString() ?? ""],
            [.. code.Files.Select(path => Pin(project, path))],
            code.Loose,
            risk.Tier == RiskTier.Destructive ? [.. Matched(risk, folder)] : [],
            Hash(environment.OrderBy(v => v.Key, StringComparer.Ordinal).SelectMany(v => (string[])[v.Key, v.Value])))
        {
            Servers = PackageSources.Find(new ProjectText(project), risk, environment, home),
        };
    }

    /// <summary>One text for all of it, to be a part of the digest that is approved.</summary>
    public string Digest => Hash([Folder, .. Identities, "scripts", .. ScriptTexts, "loose", .. Loose.Select(l => l.Sentence), "patterns",
        .. Patterns, "environment", Environment]);

    /// <summary>Which code runs and which files are meant: an allowance for the same command again covers no other.</summary>
    public string MeaningDigest => Hash([.. ScriptTexts, "patterns", .. Patterns]);

    /// <summary>
    /// What is shown to people: with the files that are held, a word about the code that isn't, and the servers that packages come from.
    /// </summary>
    public (CommandSubject Subject, RiskInfo? Risk) Shown(CommandSubject subject, RiskInfo? risk)
        => (subject with { Scripts = Scripts }, risk is null ? null : risk with { Consequences = [.. risk.Consequences, .. Added()] });

    private IEnumerable<Consequence> Added()
    {
        foreach (var source in Servers.Listed)
        {
            var host = RiskAssessor.Escape(source.Host);
            yield return new Consequence(
                ConsequenceKind.ReachesHost, source.Host, $"Reaches {host} ({source.Sources}, from {RiskAssessor.Escape(source.File)}).");
        }

        foreach (var unlisted in Servers.Unlisted)
        {
            var file = RiskAssessor.Escape(unlisted.File);
            yield return new Consequence(
                ConsequenceKind.ReachesHost,
                unlisted.Sources,
                unlisted.IsUnread
                    ? $"{file} is too large or no text, and was not read: it may name servers ({unlisted.Sources}) that are not listed here."
                    : $"{file} names more servers ({unlisted.Sources}) than are listed here.");
        }

        foreach (var loose in Loose)
        {
            yield return new Consequence(ConsequenceKind.RunsCode, loose.Subject, RiskAssessor.Escape(loose.Sentence));
        }
    }

    /// <summary>What differs, in words; null when nothing does.</summary>
    public string? Differs(CommandPins now)
    {
        if (now.Folder != Folder || !now.Identities.SequenceEqual(Identities, StringComparer.Ordinal))
        {
            return "the folder it was to run in is another one now";
        }

        if (Scripts.Zip(now.Scripts).FirstOrDefault(p => p.First != p.Second) is { First: { } script })
        {
            return $"{Path.GetFileName(script.Path)}, which it runs, changed after it was shown";
        }

        if (now.Scripts.Count != Scripts.Count || !now.Loose.SequenceEqual(Loose))
        {
            return "it would run other files than those that were shown";
        }

        if (!now.Patterns.SequenceEqual(Patterns, StringComparer.Ordinal))
        {
            return "a pattern in it matches other files than when it was shown";
        }

        return now.Environment == Environment ? null : "its environment changed after it was shown";
    }

    private IEnumerable<string> ScriptTexts => Scripts.SelectMany(s => (string[])[s.Path, s.Sha256 ?? "-"]);

    private static ScriptInfo Pin(string project, string path)
    {
        try
        {
            using var file = ConfinedFile.Open(project, path, out _);
            return file is null || file.Length > MaxScriptBytes
                ? new ScriptInfo(path, null, file?.Length)
                : new ScriptInfo(path, Convert.ToHexStringLower(SHA256.HashData(file)), file.Length);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new ScriptInfo(path, null, null);
        }
    }

    /// <summary>
    /// What each pattern matches in the command's own folder. Commands that change their folder on the way are not followed: what is pinned
    /// is what a person can see.
    /// </summary>
    private static IEnumerable<string> Matched(Risk risk, string folder)
    {
        if (risk.Commands.Any(c => c.Argv is ["cd" or "pushd" or "popd", ..]))
        {
            yield break;
        }

        foreach (var pattern in risk.Commands.Where(c => !c.Exact).SelectMany(c => c.Argv.Skip(1))
            .Where(a => a.AsSpan().ContainsAny(s_marks)).Distinct(StringComparer.Ordinal))
        {
            yield return pattern + " " + Hash(Matches(folder, pattern));
        }
    }

    private static readonly SearchValues<char> s_marks = SearchValues.Create("*?[");

    private static List<string> Matches(string folder, string pattern)
    {
        List<string> found = [pattern.StartsWith('/') ? "/" : folder];
        foreach (var part in pattern.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            found = [.. found.SelectMany(f => part.AsSpan().ContainsAny(s_marks) ? Children(f, part) : [Path.Combine(f, part)])
                .Take(MaxMatches)];
        }

        found.Sort(StringComparer.Ordinal);
        return found;

        static IEnumerable<string> Children(string folder, string part)
        {
            try
            {
                // Of a class ([ab]) any one character: more names are held than needed, never fewer.
                var simple = SimpleOf(part);
                return [.. Directory.EnumerateFileSystemEntries(folder).Where(
                    e => FileSystemName.MatchesSimpleExpression(simple, Path.GetFileName(e.AsSpan()), ignoreCase: false)).Take(MaxMatches)];
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return [];
            }
        }
    }

    private static string SimpleOf(string part)
    {
        var open = part.IndexOf('[', StringComparison.Ordinal);
        var end = open < 0 ? -1 : part.IndexOf(']', open + 1);
        return end < 0 ? part : SimpleOf(string.Concat(part.AsSpan(0, open), "?", part.AsSpan(end + 1)));
    }

    private static string Hash(IEnumerable<string> texts)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var text in texts)
        {
            var bytes = Encoding.UTF8.GetBytes(text);
            hash.AppendData(BitConverter.GetBytes(bytes.LongLength));
            hash.AppendData(bytes);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}

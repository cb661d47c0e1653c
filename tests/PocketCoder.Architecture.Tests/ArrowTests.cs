using System.Reflection;
using System.Xml.Linq;
using PocketCoder.Testing;

namespace PocketCoder.Architecture.Tests;

/// <summary>Holds the arrows of docs/architecture.md: who may know whom.</summary>
public sealed class ArrowTests
{
    /// <summary>Project → the projects it may name. A new project must be put here, which is a decision about the house.</summary>
    private static readonly Dictionary<string, string[]> Allowed = new(StringComparer.Ordinal)
    {
        ["Protocol"] = [],
        ["Processes"] = [],
        ["Channel"] = ["Protocol"],
        ["Ledger"] = ["Protocol"],
        ["Risk"] = ["Protocol"],
        ["Broker"] = ["Protocol"],
        ["Agents"] = ["Protocol", "Processes"],
        ["Hands"] = ["Protocol", "Processes"],
        ["Workspace"] = ["Protocol", "Processes"],
        ["Git"] = ["Protocol"],
        ["Gateway"] = ["Protocol", "Channel"],
        ["Machine"] = ["Protocol", "Processes", "Channel", "Ledger", "Agents", "Hands", "Broker", "Risk", "Workspace", "Git", "Gateway"],
        ["Cli"] = ["Protocol", "Processes", "Channel", "Ledger", "Agents", "Hands", "Broker", "Gateway", "Machine"],
    };

    [Fact]
    public void Projects_refer_only_to_those_below_them()
    {
        foreach (var (project, references) in Projects())
        {
            Assert.True(Allowed.TryGetValue(project, out var allowed), $"src/PocketCoder.{project} has no place in the house yet: decide on its arrows here and in docs/architecture.md");
            Assert.Empty(references.Except(allowed!));
        }
    }

    [Fact]
    public void The_gateway_code_uses_nothing_of_the_machine_the_ledger_or_the_agents()
        => Assert.DoesNotContain(Names("PocketCoder.Gateway"), n => n is "PocketCoder.Machine" or "PocketCoder.Ledger" or "PocketCoder.Agents");

    [Fact]
    public void The_protocol_and_the_channel_bring_no_package_with_them()
        => Assert.All(
            (string[])["PocketCoder.Protocol", "PocketCoder.Channel"],
            p => Assert.All(Names(p), n => Assert.True(n.StartsWith("System.", StringComparison.Ordinal) || n.StartsWith("PocketCoder.", StringComparison.Ordinal), $"{p} uses {n}")));

    [Fact]
    public void Only_the_processes_project_starts_processes()
    {
        var starters = Directory.EnumerateFiles(Repository.PathOf("src"), "*.cs", SearchOption.AllDirectories)
            .Where(f => !f.Contains("PocketCoder.Processes", StringComparison.Ordinal))
            .Where(f => File.ReadAllText(f).Contains("ProcessStartInfo", StringComparison.Ordinal))
            .Select(f => Path.GetRelativePath(Repository.Root, f));
        Assert.Empty(starters);
    }

    [Fact]
    public void No_source_file_grew_beyond_what_can_be_read_at_once()
    {
        const int Lines = 600;
        var long_ = Directory.EnumerateFiles(Repository.PathOf("src"), "*.cs", SearchOption.AllDirectories)
            .Where(f => !f.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
            .Where(f => File.ReadLines(f).Count() > Lines)
            .Select(f => Path.GetRelativePath(Repository.Root, f));
        Assert.Empty(long_);
    }

    private static IEnumerable<(string Project, IReadOnlyList<string> References)> Projects() =>
        from file in Directory.EnumerateFiles(Repository.PathOf("src"), "*.csproj", SearchOption.AllDirectories)
        let references = XDocument.Load(file).Descendants("ProjectReference").Select(r => Short(Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value.Replace('\\', '/'))))
        select (Short(Path.GetFileNameWithoutExtension(file)), (IReadOnlyList<string>)[.. references]);

    private static string Short(string name) => name["PocketCoder.".Length..];

    private static IEnumerable<string> Names(string assembly) => Assembly.Load(assembly).GetReferencedAssemblies().Select(r => r.Name!);
}

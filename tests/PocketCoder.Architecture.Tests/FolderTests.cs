using PocketCoder.Testing;

namespace PocketCoder.Architecture.Tests;

/// <summary>Holds the arrows between the folders inside a project (docs/architecture.md, <em>The machine's projects</em>).</summary>
public sealed class FolderTests
{
    /// <summary>
    /// The folders of each of the machine's projects from the lowest to the highest: each knows only those before it. A new folder must be
    /// put here.
    /// </summary>
    public static TheoryData<string, string[]> Machine => new()
    {
        { "Machine.Streams", ["Streams"] },
        { "Machine.Core", [".", "Routing", "Logging", "Storage", "Ledger"] },
        { "Machine.Approvals", ["People", "Approvals", "Settings", "Devices"] },
        {
            "Machine.Sandboxes",
            [".", "Paths", "Settings", "Secrets", "SessionLinks", "Network", "Guard", "Models", "Executions", "AgentSandboxes"]
        },
        { "Machine.Projects", ["Diffs", "Attachments", "Projects", "Snapshots", "Terminals", "Runs", "Files", "Git"] },
        { "Machine.Sessions", ["Conversations", "Sessions"] },
        {
            "Machine",
            [
                "Settings", "Providers", "Connections", "Entries", "Overview", "Notifications", "Starting", "Linking", "Status", "Usage",
                "Backups",
                "ControlPlane", ".",
            ]
        },
    };

    /// <summary>
    /// Libraries with one entry and one exception beside their folders, or records that name each other: these of their folders form a
    /// circle, as they did when this test was written. Taking a name out is progress; no name may come.
    /// </summary>
    private static readonly Dictionary<string, string[]> s_knownCircles = new(StringComparer.Ordinal)
    {
        ["Agents"] = ["Acp", "Cursor"],
        ["Channel"] = [".", "Handshake", "Keys", "Noise", "Pairing", "Signing", "Transport"],
        ["Cli"] = [".", "Commands", "Configuration", "Output", "Parsing", "Running"],
        ["Gateway"] = [".", "App", "Hosting", "Relay", "Throttling", "Tls"],
        ["Git"] = ["Diffs", "Names", "Parsing", "Running"],
        ["Sandboxes"] = ["Bubblewrap", "Host"],
        ["Ledger"] = [".", "Backup", "Chain", "Engine", "Events", "Export", "Migrations", "Reading", "Trust", "Writing"],
        ["Protocol"] = ["Approvals", "Commands", "Devices", "Envelopes", "Errors", "Git", "Machines", "Projects", "Sessions", "Snapshots",
            "Streams"],
        ["Risk"] = [".", "Paths", "Programs", "Reading", "Shell", "Walking", "Words"],
        ["Workspace"] = [".", "Beneath", "Files", "Searching", "Transfers"],
    };

    [Theory]
    [MemberData(nameof(Machine))]
    public void A_folder_of_the_machine_knows_only_the_folders_below_it(string project, string[] order)
    {
        var graph = FolderGraph.Of(project);
        Assert.Equal(order.Order(StringComparer.Ordinal), graph.Folders);
        Assert.Empty(graph.Arrows.Where(a => Array.IndexOf(order, a.To) > Array.IndexOf(order, a.From))
            .Select(a => $"{project}/{a.From} → {a.To}: {a.Because}"));
        Assert.Empty(graph.InCircles());
    }

    [Fact]
    public void No_folder_of_a_library_joins_a_circle()
    {
        var projects = Directory.EnumerateDirectories(Repository.PathOf("src"), "PocketCoder.*")
            .Select(d => Path.GetFileName(d)["PocketCoder.".Length..])
            .Where(p => !p.StartsWith("Machine", StringComparison.Ordinal));
        Assert.All(projects, p => Assert.Empty(
            FolderGraph.Of(p).InCircles().Except(s_knownCircles.GetValueOrDefault(p, []), StringComparer.Ordinal)));
    }

    [Fact]
    public void Each_namespace_of_the_machine_is_its_folder()
    {
        // The two that everybody outside names are in the machine's own namespace wherever they lie.
        string[] allowed = ["PocketCoder.Machine/Starting/DaemonLock.cs", "PocketCoder.Machine/Starting/DaemonOptions.cs"];
        var strangers = Directory.EnumerateDirectories(Repository.PathOf("src"), "PocketCoder.Machine*")
            .SelectMany(project => Directory.EnumerateFiles(project, "*.cs", SearchOption.AllDirectories)
                .Where(f => !Path.GetRelativePath(project, f).StartsWith("obj", StringComparison.Ordinal))
                .Where(f => !File.ReadLines(f).Contains($"namespace {Expected(project, f)};", StringComparer.Ordinal)))
            .Select(f => Path.GetRelativePath(Repository.PathOf("src"), f).Replace('\\', '/'));
        Assert.Equal(allowed, strangers.Order(StringComparer.Ordinal));
    }

    private static string Expected(string project, string file)
        => string.Join('.', (string[])["PocketCoder.Machine",
            .. Path.GetRelativePath(project, Path.GetDirectoryName(file)!).Split(Path.DirectorySeparatorChar, '/').Where(p => p != ".")]);
}

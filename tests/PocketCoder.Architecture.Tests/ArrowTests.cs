using System.Reflection;
using System.Xml.Linq;
using PocketCoder.Testing;

namespace PocketCoder.Architecture.Tests;

/// <summary>Holds the arrows of docs/architecture.md: who may know whom.</summary>
public sealed class ArrowTests
{
    /// <summary>Project → the projects it may name. A new project must be put here, which is a decision about the house.</summary>
    private static readonly Dictionary<string, string[]> s_allowed = new(StringComparer.Ordinal)
    {
        ["Platform"] = [],
        ["Protocol"] = [],
        ["Processes"] = ["Platform"],
        ["Channel"] = ["Platform", "Protocol"],
        ["Ledger"] = ["Platform"],
        ["Risk"] = ["Protocol"],
        ["Broker"] = ["Platform", "Protocol"],
        ["Push"] = ["Platform", "Broker"],
        ["Agents"] = ["Processes"],
        ["Sandboxes"] = ["Protocol", "Processes"],
        ["Workspace"] = ["Protocol", "Processes"],
        ["Git"] = ["Protocol"],
        ["Acme"] = ["Platform"],
        ["Link"] = [],
        ["Accounts"] = ["Platform", "Protocol"],
        ["Gateway"] = ["Platform", "Accounts", "Acme", "Link"],
        ["Entry"] = ["Protocol"],
        ["Feishu"] = [],
        ["Feishu.Bot"] = ["Entry", "Feishu"],
        ["Machine.Streams"] = ["Protocol"],
        ["Machine.Core"] = ["Protocol", "Channel", "Ledger", "Machine.Streams"],
        ["Machine.Approvals"] = ["Machine.Core", "Broker"],
        ["Machine.Sandboxes"] = ["Machine.Approvals", "Agents", "Sandboxes", "Risk", "Workspace", "Git"],
        ["Machine.Projects"] = ["Machine.Sandboxes"],
        ["Machine.Sessions"] = ["Machine.Projects"],
        ["Machine"] = ["Machine.Sessions", "Gateway", "Push", "Link", "Entry"],
        ["Cli"] =
            ["Protocol", "Processes", "Channel", "Ledger", "Agents", "Sandboxes", "Broker", "Accounts", "Acme", "Gateway", "Machine",
             "Entry", "Feishu", "Feishu.Bot"],
    };

    [Fact]
    public void Projects_refer_only_to_those_below_them()
    {
        foreach (var (project, references) in Projects())
        {
            Assert.True(s_allowed.TryGetValue(project, out var allowed),
                $"src/PocketCoder.{project} has no place in the house yet: decide on its arrows here and in docs/architecture.md");
            Assert.Empty(references.Except(allowed!));
        }
    }

    [Fact]
    public void Every_reference_is_needed_by_code()
    {
        foreach (var (project, references) in Projects())
        {
            var needed = Names(project == "Cli" ? "pocketcoder" : $"PocketCoder.{project}").ToList();
            Assert.Empty(references.Select(r => $"PocketCoder.{r}").Except(needed, StringComparer.Ordinal)
                .Select(r => $"PocketCoder.{project} → {r}"));
        }
    }

    [Fact]
    public void The_gateway_code_uses_nothing_of_the_channel_the_machine_the_ledger_or_the_agents()
        => Assert.DoesNotContain(Names("PocketCoder.Gateway"), n => n is "PocketCoder.Channel" or "PocketCoder.Ledger"
            or "PocketCoder.Agents" || n.StartsWith("PocketCoder.Machine", StringComparison.Ordinal));

    /// <summary>What decides and records is read without any of these: neither it nor a project that it stands on refers to them.</summary>
    [Fact]
    public void Approvals_and_the_ledger_know_no_agent_no_sandbox_no_git_and_no_files()
        => Assert.All(
            (string[])["PocketCoder.Ledger", "PocketCoder.Channel", "PocketCoder.Machine.Core", "PocketCoder.Machine.Approvals"],
            p => Assert.DoesNotContain(
                Names(p),
                n => n is "PocketCoder.Agents" or "PocketCoder.Sandboxes" or "PocketCoder.Git" or "PocketCoder.Workspace"
                    or "PocketCoder.Processes" or "PocketCoder.Gateway"));

    /// <summary>A platform's transport is bytes and events; who may do what with them is decided by those that will use it.</summary>
    [Fact]
    public void The_transport_of_a_platform_knows_nothing_of_the_house()
        => Assert.DoesNotContain(Names("PocketCoder.Feishu"), n => n.StartsWith("PocketCoder", StringComparison.Ordinal));

    [Fact]
    public void The_protocol_and_the_channel_bring_no_package_with_them()
        => Assert.All(
            (string[])["PocketCoder.Platform", "PocketCoder.Protocol", "PocketCoder.Channel"],
            p => Assert.All(Names(p), n => Assert.True(n.StartsWith("System.", StringComparison.Ordinal)
                || n.StartsWith("PocketCoder.", StringComparison.Ordinal), $"{p} uses {n}")));

    /// <summary>
    /// The analyzers for trimming and ahead-of-time compilation are off in that project (its project file says why): what they would refuse
    /// is not there at all.
    /// </summary>
    [Fact]
    public void The_protocol_is_written_without_reflection()
    {
        string[] words = ["System.Reflection", "Activator.", "MakeGeneric", "Assembly.", "dynamic ", "Expression", "GetMethod",
            "GetPropert", "GetField", "Type.GetType", "Enum.GetValues(", "Marshal.", "RequiresUnreferencedCode",
            "UnconditionalSuppressMessage"];
        var found = Directory.EnumerateFiles(Repository.PathOf("src/PocketCoder.Protocol"), "*.cs", SearchOption.AllDirectories)
            .Where(f => !f.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
            .SelectMany(f => File.ReadLines(f)
                .Where(l => !l.TrimStart().StartsWith("//", StringComparison.Ordinal) && !l.TrimStart()
                    .StartsWith("[Json", StringComparison.Ordinal) && words.Any(w => l.Contains(w, StringComparison.Ordinal)))
                .Select(l => $"{Path.GetFileName(f)}: {l.Trim()}"));
        Assert.Empty(found);
    }

    [Fact]
    public void Only_the_processes_project_starts_processes()
    {
        var starters = Directory.EnumerateFiles(Repository.PathOf("src"), "*.cs", SearchOption.AllDirectories)
            .Where(f => !f.Contains("PocketCoder.Processes", StringComparison.Ordinal))
            .Where(f => File.ReadAllText(f).Contains("ProcessStartInfo", StringComparison.Ordinal))
            .Select(f => Path.GetRelativePath(Repository.Root, f));
        Assert.Empty(starters);
    }

    /// <summary>Its project file lists the projects that may call it (InternalsVisibleTo).</summary>
    [Fact]
    public void Only_the_platform_project_declares_calls_of_the_C_library()
    {
        var declaring = Directory.EnumerateFiles(Repository.PathOf("src"), "*.cs", SearchOption.AllDirectories)
            .Select(f => (Name: Path.GetRelativePath(Repository.PathOf("src"), f).Replace('\\', '/'), File: f))
            .Where(f => !f.Name.Contains("/obj/", StringComparison.Ordinal)
                && !f.Name.StartsWith("PocketCoder.Platform/Calls/", StringComparison.Ordinal))
            .Where(f => File.ReadAllText(f.File) is var text
                && (text.Contains("[LibraryImport", StringComparison.Ordinal) || text.Contains("[DllImport", StringComparison.Ordinal)))
            .Select(f => f.Name);
        Assert.Empty(declaring);
    }

    /// <summary>
    /// Declarations are not counted as trusted core (docs/audit.md), which holds as long as none of its projects is among these.
    /// </summary>
    [Fact]
    public void Only_four_projects_see_the_declarations_of_the_C_library()
    {
        var project = XDocument.Load(Repository.PathOf("src/PocketCoder.Platform/PocketCoder.Platform.csproj"));
        Assert.Equal(
            ["PocketCoder.Processes", "PocketCoder.Sandboxes", "PocketCoder.Workspace", "pocketcoder"],
            project.Descendants("InternalsVisibleTo").Select(v => v.Attribute("Include")!.Value).Order(StringComparer.Ordinal));
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

    /// <summary>
    /// One clock is not enough (docs/decisions/deadlines-on-both-clocks.md): whatever ends at a time ends by <c>Deadline</c>.
    /// </summary>
    [Fact]
    public void Nothing_compares_an_end_with_one_clock_by_itself()
    {
        // Ends that others set and that grant nothing of ours, the database's first selection, which a deadline follows, and when a note
        // that nobody took away, or a letter that is done with, is forgotten.
        string[] allowed = ["PocketCoder.Agents/Claude/ClaudeLogin.cs", "PocketCoder.Machine.Approvals/Approvals/NetworkRules.cs",
            "PocketCoder.Machine/Connections/Letters/LetterLog.cs", "PocketCoder.Machine/Entries/EntryNotes.cs",
            "PocketCoder.Protocol/Time/Deadline.cs"];
        var comparison = new System.Text.RegularExpressions.Regex(
            @"(Expires\w*|expires\w*|\bends\w*)(\.Value)?\s*(<|>)=?\s*[\w$]|(GetUtcNow\(\)|\bNow|\bnow)\s*(<|>)=?\s*\S*[eE]xpir|\.At \+ \S+ (<|>)=? ",
            System.Text.RegularExpressions.RegexOptions.ExplicitCapture,
            TimeSpan.FromSeconds(10));
        var found = Directory.EnumerateFiles(Repository.PathOf("src"), "*.cs", SearchOption.AllDirectories)
            .Select(f => (Name: Path.GetRelativePath(Repository.PathOf("src"), f).Replace('\\', '/'), File: f))
            .Where(f => !f.Name.Contains("/obj/", StringComparison.Ordinal) && !allowed.Contains(f.Name, StringComparer.Ordinal))
            .SelectMany(f => File.ReadLines(f.File).Where(l => !l.TrimStart().StartsWith("//", StringComparison.Ordinal)
                && comparison.IsMatch(l)).Select(l => $"{f.Name}: {l.Trim()}"));
        Assert.Empty(found);
    }

    /// <summary>
    /// A task that nobody awaits and nobody observes loses its exception: whoever waits for what it does, waits for ever and the log says
    /// nothing.
    /// </summary>
    [Fact]
    public void Nothing_of_the_machine_discards_a_task_and_with_it_its_exception()
    {
        // Each of these ends in a catch of everything, or its task is awaited elsewhere.
        string[] allowed =
        [
            "AgentSandboxes/SandboxConnection.cs: _ = EndAsync(); // an HTTP client only knows this way; what it leaves ends with the sandbox at the latest",
            // given up: its caller is told why
            "ControlPlane/DaemonWatch.cs: _ = working.ContinueWith(",
            // never faults: what it could not write is its result
            "Executions/Execution.cs: _ = execution.EnqueueAsync(text, close: !start.Bash.Background);",
            "Files/Watching/FileStreams.cs: _ = WriteBehindAsync(watched);",
            "Files/Watching/FileStreams.cs: watched.Ending = time.CreateTimer(_ => _ = EndIfUnusedAsync(watched), null, s_grace, Timeout.InfiniteTimeSpan);",
            "Logging/Observation.cs: _ = task.ContinueWith(",
            "AgentSandboxes/AgentCatalog.cs: _again ??= time.CreateTimer(_ => _ = AskUnansweredAsync(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);",
            "Snapshots/SnapshotService.cs: _ = work.ContinueWith(done => _work.TryRemove(done, out _), TaskScheduler.Default);",
            "Terminals/Viewer.cs: _ = _stop.CancelAsync();",
        ];
        var discard = new System.Text.RegularExpressions.Regex(
            @"^[^\n]*\b_ =\s+(?!await\b)[^;]*?(Async\(|Task\.Run\(|\.ContinueWith\(|\.AsTask\(\))",
            System.Text.RegularExpressions.RegexOptions.ExplicitCapture | System.Text.RegularExpressions.RegexOptions.Multiline,
            TimeSpan.FromSeconds(10));
        var found = Directory.EnumerateDirectories(Repository.PathOf("src"), "PocketCoder.Machine*")
            .SelectMany(root => Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories)
            .Where(f => !f.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
            .SelectMany(f => Discards(WithoutComments(f)).Select(l => $"{Path.GetRelativePath(root, f).Replace('\\', '/')}: {l}")));
        Assert.Equal(allowed.Order(StringComparer.Ordinal), found.Order(StringComparer.Ordinal));

        // A statement may have several lines: its first one names it.
        IEnumerable<string> Discards(string text) => discard.Matches(text).Select(m => text[m.Index..].Split('\n', 2)[0].Trim());
    }

    private static string WithoutComments(string file)
        => string.Join('\n', File.ReadLines(file).Where(l => !l.TrimStart().StartsWith("//", StringComparison.Ordinal)));

    private static IEnumerable<(string Project, IReadOnlyList<string> References)> Projects() =>
        from file in Directory.EnumerateFiles(Repository.PathOf("src"), "*.csproj", SearchOption.AllDirectories)
        let references = XDocument.Load(file).Descendants("ProjectReference")
            .Select(r => Short(Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value.Replace('\\', '/'))))
        select (Short(Path.GetFileNameWithoutExtension(file)), (IReadOnlyList<string>)[.. references]);

    private static string Short(string name) => name["PocketCoder.".Length..];

    private static IEnumerable<string> Names(string assembly) => Assembly.Load(assembly).GetReferencedAssemblies().Select(r => r.Name!);
}

using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using PocketCoder.Testing;

namespace PocketCoder.Architecture.Tests;

/// <summary>
/// <c>docs/audit.md</c>, made from the sources: how large the trusted core is, in which order to read it, and every file that starts a
/// program, writes a row of the ledger, uses a key or opens a socket. Text, not a compiler; comments don't count.
/// </summary>
internal static partial class AuditPage
{
    /// <summary>Lines that the trusted core may have: what one person can read in an afternoon.</summary>
    public const int CoreLimit = 12_000;

    /// <summary>Declarations of C functions: no code, and the core's projects can't see them.</summary>
    private const string Declarations = "Platform/Calls/";

    /// <summary>Where the sizes on the page end.</summary>
    private const string End = "## Reading order";

    private static readonly (string Project, string Promise)[] s_core =
    [
        ("Platform", "A file with a key, a token or a ledger's head is its owner's alone from its first byte, is written whole or not at all, and never through a link."),
        ("Channel", "A device and a machine know each other by keys; nobody between them reads or changes a byte, replays a message or takes one away unseen."),
        ("Ledger", "A row is durable before what it allows happens, and can't be changed, taken out or put in later without `ledger verify` saying so."),
        ("Machine.Core", "State, rows and events of one step are written together or not at all, and are told only after that."),
        ("Machine.Approvals",
            "A decision comes from a device that may decide, covers exactly what was shown, counts once, and is looked at again before it begins."),
    ];

    private static readonly (string Topic, string[] Files)[] s_order =
    [
        ("Who is at the other end",
            [
                "Channel/Noise/SymmetricState.cs", "Channel/Noise/NoiseHandshake.cs", "Channel/Handshake/MachineHandshake.cs",
                "Channel/Pairing/PairingOffers.cs",
                "Channel/Transport/SecureChannel.cs", "Machine/Connections/MachineEndpoint.cs", "Machine/Connections/DeviceConnection.cs",
            ]),
        ("What is written, and when it counts",
            ["Ledger/Writing/GroupWriter.cs", "Ledger/Chain/ChainAppender.cs", "Ledger/Chain/ProofRules.cs", "Ledger/Chain/ChainVerifier.cs",
                "Ledger/Trust/LedgerTrust.cs", "Machine.Core/Storage/Store.cs"]),
        ("What is asked and decided",
            [
                "Machine.Core/Routing/Route.cs", "Machine.Core/Routing/MessageTable.cs", "Machine.Approvals/Approvals/ApprovalDigest.cs",
                "Machine.Approvals/Approvals/DecisionCheck.cs",
                "Machine.Approvals/Approvals/ApprovalService.cs", "Machine.Approvals/Approvals/ApprovalSteps.cs",
            ]),
        ("From the call to the program",
            [
                "Machine.Sessions/Sessions/ToolCallDigest.cs", "Risk/RiskAssessor.cs", "Machine.Sessions/Sessions/Tools/ToolGate.cs",
                "Machine.Sessions/Sessions/Tools/CommandTool.cs", "Machine.Sandboxes/Executions/CommandPins.cs",
                "Machine.Sandboxes/Executions/Execution.cs", "Sandboxes/Bubblewrap/BubblewrapSandbox.cs", "Processes/OwnedProcess.cs",
            ]),
    ];

    private static readonly (string Title, string Says, Regex Marks)[] s_places =
    [
        ("A program is started", "Every program goes through `Processes`, which the compiler holds (`eng/BannedSymbols.txt`).", Starts()),
        ("A row of the ledger is written", "A row is made here, and written in the same transaction as the state that it tells of.",
            Rows()),
        ("A key is used",
            "Signing, checking signatures, agreeing on keys, encrypting and decrypting; certificates of the local network too.", Keys()),
        ("A socket is opened", "Listening or connecting, over the network or over a Unix socket.", Sockets()),
    ];

    /// <summary>The files of the reading order.</summary>
    public static IEnumerable<string> Order => s_order.SelectMany(o => o.Files).Select(f => $"src/PocketCoder.{f}");

    /// <summary>Lines of the trusted core.</summary>
    public static int CoreLines => s_core.Sum(c => Lines(c.Project).Count);

    /// <summary>The numbers of files and lines that a page states, in order.</summary>
    public static IEnumerable<double> Sizes(string page)
        => Number().Matches(page[..page.IndexOf(End, StringComparison.Ordinal)])
            .Select(m => double.Parse(m.Value, NumberStyles.AllowThousands, CultureInfo.InvariantCulture));

    public static string WithoutSizes(string page)
    {
        var end = page.IndexOf(End, StringComparison.Ordinal);
        return Number().Replace(page[..end], "#") + page[end..];
    }

    public static string Build()
    {
        var page = new StringBuilder();
        page.Append("""
            # What to read before you trust this

            Generated from the sources by `eng/contracts.sh`, and held to them by `AuditTests`.

            The **trusted core** is what must be right for *decided before done* and *approved = executed* whatever else is wrong. It knows no agent, no
            sandbox, no git and no project's files (`ArrowTests`). Three things outside of it must be right too, and are the last part of the reading order:
            which facts of a call its approval covers, what a command is shown to mean, and the way from the decision to the program.


            """);
        page.Append(CultureInfo.InvariantCulture, $"| project | files | lines | promise |\n|---|--:|--:|---|\n");
        var core = s_core.Select(c => (c.Project, c.Promise, Size: Lines(c.Project))).ToList();
        foreach (var (project, promise, size) in core)
        {
            page.Append(CultureInfo.InvariantCulture, $"| `{project}` | {size.Files} | {size.Count:N0} | {promise} |\n");
        }

        page.Append(CultureInfo.InvariantCulture,
            $"| **together** | **{core.Sum(c => c.Size.Files)}** | **{core.Sum(c => c.Size.Count):N0}** | at most {CoreLimit:N0} lines |\n\n");
        page.Append(
            "Not counted: `Platform/Calls/`, declarations of C functions without code, which the core's projects can't see.\n\nThe rest: ");
        page.AppendJoin(", ", Projects().Except(core.Select(c => c.Project), StringComparer.Ordinal)
            .Select(p => string.Create(CultureInfo.InvariantCulture, $"`{p}` {Lines(p).Count:N0}")));
        page.Append(" lines.\n\n## Reading order\n\n");
        foreach (var (topic, files) in s_order)
        {
            page.Append(CultureInfo.InvariantCulture, $"* **{topic}**: {string.Join(", ", files.Select(Link))}\n");
        }

        foreach (var (title, says, marks) in s_places)
        {
            var found = Sources().Select(s => (s.Name, Count: marks.Count(s.Code))).Where(s => s.Count > 0).ToList();
            page.Append(CultureInfo.InvariantCulture,
                $"\n## {title}\n\n{says} {found.Sum(f => f.Count)} places in {found.Count} files.\n\n| project | file (places, when more than one) |\n|---|---|\n");
            foreach (var project in found.GroupBy(f => f.Name.Split('/')[0]))
            {
                page.Append(CultureInfo.InvariantCulture,
                    $"| `{project.Key}` | {string.Join(", ", project.Select(f => Link(f.Name) + (f.Count > 1 ? $" ({f.Count})" : "")))} |\n");
            }
        }

        return page.ToString();
    }

    private static string Link(string file) => $"[{Path.GetFileNameWithoutExtension(file)}](../src/PocketCoder.{file})";

    private static (int Files, int Count) Lines(string project)
    {
        var counts = Sources().Where(s => s.Name.StartsWith(project + "/", StringComparison.Ordinal)
            && !s.Name.StartsWith(Declarations, StringComparison.Ordinal)).Select(s => File.ReadLines(s.Path).Count()).ToList();
        return (counts.Count, counts.Sum());
    }

    private static IEnumerable<string> Projects() => Sources().Select(s => s.Name.Split('/')[0]).Distinct(StringComparer.Ordinal);

    /// <summary>Every source file, by its path without the product's name, in order; code without comments.</summary>
    private static IEnumerable<(string Name, string Path, string Code)> Sources()
        => Directory.EnumerateFiles(Repository.PathOf("src"), "*.cs", SearchOption.AllDirectories)
        .Select(f => (Name: System.IO.Path.GetRelativePath(Repository.PathOf("src"), f).Replace('\\', '/')["PocketCoder.".Length..],
            Path: f))
        .Where(f => !f.Name.Contains("/obj/", StringComparison.Ordinal))
        .OrderBy(f => f.Name, StringComparer.Ordinal)
        .Select(f => (f.Name, f.Path, Comment().Replace(File.ReadAllText(f.Path), "")));

    [GeneratedRegex(@"\d[\d,]*", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Number();

    [GeneratedRegex("^\\s*//.*$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Comment();

    [GeneratedRegex(@"\b(OwnedProcess\.Start|OwnProgram\.Start|ForegroundRun\.\w+Async|CommandRun\.\w+Async|Process\.Start)\(|\bchild\.Start\(",
        RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Starts();

    [GeneratedRegex(@"\bnew LedgerEntry\(|\bEntry\(LedgerKind\.", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Rows();

    [GeneratedRegex(
        @"\.Sign\((?!\))|\bSignatures\.Verify\(|\b_?key\.Verify\(|\.SignData\(|\.SignHash\(|\.VerifyData\(|\.VerifyHash\(|\bDeriveRawSecretAgreement\(|\bnew (AesGcm|ChaCha20Poly1305|HMACSHA256)\(|\bHMACSHA256\.HashData\(|\bHKDF\.\w+\(|\bECD(sa|iffieHellman)\.Create\(|\.CreateSelfSigned\(",
        RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Keys();

    [GeneratedRegex(
        @"\bnew (Socket|TcpListener|TcpClient|ClientWebSocket|SocketsHttpHandler|HttpClient|HttpListener)\(|\.(Listen|ListenLocalhost|ListenAnyIP|ListenUnixSocket)\(",
        RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Sockets();
}

using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using PocketCoder.Cli.Output;
using PocketCoder.Cli.Parsing;
using PocketCoder.Machine;
using PocketCoder.Platform;
using PocketCoder.Protocol;
using Spectre.Console;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder ledger show|verify|export</c>.</summary>
internal static class LedgerCommands
{
    private const int PageSize = 200;

    public static Command Create(Terminal terminal) => new("ledger", "Inspect the record of requests, decisions and outcomes")
    {
        Show(terminal), Verify(terminal), Accept(terminal), Export(terminal),
    };

    private static Command Show(Terminal terminal)
    {
        var session = Values.Id("--session", "ID", "Only this session");
        var limit = Values.Whole(
            "--limit", "N", "Number of rows, newest: 1 to 10000 (default 50); for all rows: pocketcoder ledger export", 1, 10_000);
        return new Command("show", "Show rows, oldest first") { session, limit }.Does(terminal, async (context, parsed, ct) =>
        {
            var wanted = parsed.GetValue(limit) ?? 50;
            var rows = new List<LedgerRowInfo>();
            long? before = null;
            while (rows.Count < wanted)
            {
                var page = await context.Daemon.ListLedgerAsync(
                    new LedgerListRequest(before, Math.Min(PageSize, wanted - rows.Count), parsed.GetValue(session)), ct);
                rows.AddRange(page.Rows);
                if (!page.More || page.Rows.Count == 0)
                {
                    break;
                }

                before = page.Rows[^1].Seq;
            }

            rows.Reverse();
            if (context.Json)
            {
                CliJson.Write(context.Terminal, rows, CliJson.Default.IReadOnlyListLedgerRowInfo);
                return ExitCode.Ok;
            }

            var table = PlainTable.Of("#", "Time", "Who", "Event", "What", "Verdict", "Scope", "Proof", "Exit");
            foreach (var line in LedgerLine.Read(rows))
            {
                table.Row(line.Seq.ToString(CultureInfo.InvariantCulture), line.Time, line.Who, line.Event, line.What, line.Verdict,
                    line.Scope, line.Proof, line.Exit);
            }

            context.Terminal.Tables().Write(table);
            return ExitCode.Ok;
        });
    }

    private static Command Verify(Terminal terminal)
        => new Command("verify", "Verify every row's hash, from the first to the signed head").Does(terminal, async (context, _, ct) =>
    {
        var report = await context.Daemon.VerifyLedgerAsync(ct);
        if (context.Json)
        {
            CliJson.Write(context.Terminal, report, CliJson.Default.LedgerVerifyResponse);
        }
        else if (report.Intact)
        {
            context.Say($"Intact: {report.Rows} rows, head {report.Head.Seq} {report.Head.Hash}");
            Tell(context, report);
        }
        else
        {
            Tell(context, report);
            await context.Terminal.Error.WriteLineAsync(
                $"BROKEN at row {report.FirstBadSeq}: {Untrusted.Show(report.Problem ?? "")}. Keep {context.Home.Database} as it is and compare with a backup (docs/operations.md).");
        }

        return report.Intact ? ExitCode.Ok : ExitCode.Failure;
    });

    /// <summary>What "intact" stands on, and what it does not say.</summary>
    private static void Tell(CommandContext context, LedgerVerifyResponse report)
    {
        foreach (var row in report.Accepted)
        {
            context.Say($"  ! Row {row}: the owner accepted a ledger that was not the one this machine had signed.");
        }

        foreach (var line in report.Checked)
        {
            context.Say($"  checked      {Untrusted.Show(line)}");
        }

        foreach (var line in report.NotChecked)
        {
            context.Say($"  not checked  {Untrusted.Show(line)}");
        }
    }

    private static Command Accept(Terminal terminal)
    {
        var row = Values.Row("row", "Number of the row that reports the mismatch, shown by 'pocketcoder ledger verify' and 'status'");
        return new Command("accept", "Accept a ledger that is not the one this machine signed; the ledger records this")
            { row }.Does(terminal, async (context, parsed, ct) =>
        {
            var accepted = await context.Daemon.AcceptLedgerAsync(parsed.GetValue(row), ct);
            if (context.Json)
            {
                CliJson.Write(context.Terminal, accepted, CliJson.Default.LedgerAccepted);
            }
            else
            {
                context.Say($"Accepted in row {accepted.Row}: {Untrusted.Show(accepted.Problem)}");
            }

            return ExitCode.Ok;
        });
    }

    private static Command Export(Terminal terminal)
    {
        var output = new Option<string?>("--output", "-o") { Description = "File to write (default: standard output)", HelpName = "FILE" };
        return new Command("export", "Write every row as JSON lines, oldest first, then the signed head")
            { output }.Does(terminal, async (context, parsed, ct) =>
        {
            if (parsed.GetValue(output) is not { } file)
            {
                await context.Daemon.ExportLedgerAsync(new WriterStream(context.Terminal.Out), ct);
                return ExitCode.Ok;
            }

            await ExportToAsync(context, Path.GetFullPath(file, context.Terminal.CurrentDirectory), ct);
            return ExitCode.Ok;
        });
    }

    private static async Task ExportToAsync(CommandContext context, string file, CancellationToken ct)
    {
        await using var stream = PrivateFile.Open(file, FileMode.CreateNew, FileAccess.Write, FileShare.None);
        try
        {
            await context.Daemon.ExportLedgerAsync(stream, ct);
        }
        catch
        {
            File.Delete(file); // half an export is none, and it would stand in the way of the next try
            throw;
        }
    }
}

/// <summary>A row of the ledger, in words.</summary>
internal sealed record LedgerLine(
    long Seq, string Time, string Who, string Event, string What, string Verdict, string Scope, string Proof, string Exit)
{
    /// <param name="rows">Oldest first. A decision, an end or an undo shows what its request asked for, the end of a command its line, when
    /// that row is among them.</param>
    public static IEnumerable<LedgerLine> Read(IReadOnlyList<LedgerRowInfo> rows)
    {
        var asked = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var row in rows)
        {
            using var body = JsonDocument.Parse(row.Body);
            var root = body.RootElement;
            var data = root.TryGetProperty("data", out var d) && d.ValueKind == JsonValueKind.Object ? d : default;
            var kind = Text(root, "kind");
            var about = Text(root, "approvalId") is { Length: > 0 } approval ? approval : Text(data, "runId");
            var what = kind == "configuration_changed"
                ? $"{Text(data, "what").Replace('_', ' ')} {Text(data, "name")}"
                : First(data, "what", "line", "shown", "notKept", "pattern", "host", "detail", "problem", "target", "terminal", "name",
                    "path", "agent", "offerId", "reason", "backupAt", "version");
            if (about.Length > 0)
            {
                if (Text(data, "what") is { Length: > 0 } request)
                {
                    asked[about] = request;
                }
                else if (asked.TryGetValue(about, out var known))
                {
                    what = kind == "alarm_raised" ? $"{what}: {known}" : known;
                }
            }

            yield return new LedgerLine(
                row.Seq,
                DateTimeOffset.TryParse(Text(root, "at"), CultureInfo.InvariantCulture, DateTimeStyles.None, out var at)
                    ? $"{at.ToLocalTime():yyyy-MM-dd HH:mm:ss}" : Text(root, "at"),
                First(data, "by") is { Length: > 0 } by ? by : Text(root, "actor") is { Length: > 0 } actor ? actor
                    : Text(root, "deviceId"),
                kind.Replace('_', ' '),
                what,
                Text(data, "decision"),
                data.ValueKind == JsonValueKind.Object && data.TryGetProperty("scope", out var scope)
                    && scope.ValueKind == JsonValueKind.String ? scope.GetString()! : "",
                Text(data, "proof"),
                Text(data, "exitCode"));
        }
    }

    private static string First(JsonElement element, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (Text(element, name) is { Length: > 0 } text)
            {
                return text;
            }
        }

        return "";
    }

    private static string Text(JsonElement element, string name)
        => element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value)
            ? value.ValueKind switch { JsonValueKind.String => value.GetString()!, JsonValueKind.Number => value.GetRawText(), _ => "" }
            : "";
}

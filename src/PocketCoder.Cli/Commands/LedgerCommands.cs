using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using PocketCoder.Cli.Output;
using PocketCoder.Machine;
using PocketCoder.Protocol;
using Spectre.Console;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder ledger show|verify|export</c>.</summary>
internal static class LedgerCommands
{
    private const int PageSize = 200;

    public static Command Create(Terminal terminal) => new("ledger", "The record of what was asked, decided and done")
    {
        Show(terminal), Verify(terminal), Export(terminal),
    };

    private static Command Show(Terminal terminal)
    {
        var session = new Option<Guid?>("--session") { Description = "Only of one session", HelpName = "ID" };
        var limit = new Option<int>("--limit") { Description = "How many rows, the newest (default 50)", HelpName = "N", DefaultValueFactory = _ => 50 };
        return new Command("show", "Show rows, oldest of them first") { session, limit }.Does(terminal, async (context, parsed, ct) =>
        {
            var wanted = parsed.GetValue(limit);
            if (wanted is < 1 or > 10_000)
            {
                throw new CommandFailure("--limit takes 1 to 10000; for everything: pocketcoder ledger export", ExitCode.Usage);
            }

            var rows = new List<LedgerRowInfo>();
            long? before = null;
            while (rows.Count < wanted)
            {
                var page = await context.Daemon.ListLedgerAsync(new LedgerListRequest(before, Math.Min(PageSize, wanted - rows.Count), parsed.GetValue(session)), ct);
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

            var table = PlainTable.Of("#", "Time", "Who", "Event", "What", "Verdict", "Scope", "Exit");
            foreach (var line in LedgerLine.Read(rows))
            {
                table.Row(line.Seq.ToString(CultureInfo.InvariantCulture), line.Time, line.Who, line.Event, line.What, line.Verdict, line.Scope, line.Exit);
            }

            context.Terminal.Tables().Write(table);
            return ExitCode.Ok;
        });
    }

    private static Command Verify(Terminal terminal) => new Command("verify", "Check every row's hash, from the first to the signed head").Does(terminal, async (context, _, ct) =>
    {
        var report = await context.Daemon.VerifyLedgerAsync(ct);
        if (context.Json)
        {
            CliJson.Write(context.Terminal, report, CliJson.Default.LedgerVerifyResponse);
        }
        else if (report.Intact)
        {
            context.Say($"Intact: {report.Rows} rows, head {report.Head.Seq} {report.Head.Hash}");
        }
        else
        {
            await context.Terminal.Error.WriteLineAsync($"BROKEN at row {report.FirstBadSeq}: {Untrusted.Show(report.Problem ?? "")}. Keep {context.Home.Database} as it is and compare with a backup (docs/operations.md).");
        }

        return report.Intact ? ExitCode.Ok : ExitCode.Failure;
    });

    private static Command Export(Terminal terminal)
    {
        var output = new Option<string?>("--output", "-o") { Description = "The file to write (default: standard output)", HelpName = "FILE" };
        return new Command("export", "Write every row as JSON lines, oldest first, then the signed head") { output }.Does(terminal, async (context, parsed, ct) =>
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
        await using var stream = Home.OpenPrivate(file, FileMode.CreateNew, FileAccess.Write, FileShare.None);
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
internal sealed record LedgerLine(long Seq, string Time, string Who, string Event, string What, string Verdict, string Scope, string Exit)
{
    /// <param name="rows">Oldest first. A decision shows what its request asked for when that is among them.</param>
    public static IEnumerable<LedgerLine> Read(IReadOnlyList<LedgerRowInfo> rows)
    {
        var asked = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var row in rows)
        {
            using var body = JsonDocument.Parse(row.Body);
            var root = body.RootElement;
            var data = root.TryGetProperty("data", out var d) && d.ValueKind == JsonValueKind.Object ? d : default;
            var approval = Text(root, "approvalId");
            var what = First(data, "what", "name", "path", "offerId", "reason", "version");
            if (approval.Length > 0)
            {
                if (Text(data, "what") is { Length: > 0 } request)
                {
                    asked[approval] = request;
                }
                else if (asked.TryGetValue(approval, out var known))
                {
                    what = known;
                }
            }

            yield return new LedgerLine(
                row.Seq,
                DateTimeOffset.TryParse(Text(root, "at"), CultureInfo.InvariantCulture, DateTimeStyles.None, out var at) ? $"{at.ToLocalTime():yyyy-MM-dd HH:mm:ss}" : Text(root, "at"),
                First(data, "by") is { Length: > 0 } by ? by : Text(root, "actor") is { Length: > 0 } actor ? actor : Text(root, "deviceId"),
                Text(root, "kind").Replace('_', ' '),
                what,
                Text(data, "decision"),
                data.ValueKind == JsonValueKind.Object && data.TryGetProperty("scope", out var scope) && scope.ValueKind == JsonValueKind.String ? scope.GetString()! : "",
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

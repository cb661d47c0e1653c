using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace PocketCoder.Bench.Results;

/// <summary>Writes what was measured: as a table for people (which is Markdown too) and as JSON for programs. Pure.</summary>
internal sealed class Report(Measured measured, MachineFacts machine, BenchOptions options, TimeSpan took)
{
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };

    public string Table()
    {
        string[][] rows =
        [
            ["what", "median", "spread", "unit", "bound", "of bound", ""],
            .. measured.Rows.Select(r => Row(r.Claim, r.Values)),
        ];
        var widths = Enumerable.Range(0, rows[0].Length).Select(c => rows.Max(r => r[c].Length)).ToArray();
        var text = new StringBuilder();
        foreach (var (row, index) in rows.Select((r, i) => (r, i)))
        {
            text.AppendLine($"| {string.Join(" | ", row.Select((cell, c) => c is 0 or 3 or 6 ? cell.PadRight(widths[c]) : cell.PadLeft(widths[c])))} |");
            if (index == 0)
            {
                text.AppendLine($"|{string.Join('|', widths.Select((w, c) => c is 0 or 3 or 6 ? new string('-', w + 2) : new string('-', w + 1) + ":"))}|");
            }
        }

        return text.ToString();
    }

    /// <summary>The lines above the table: on what, of what, when, and what to mind.</summary>
    public IEnumerable<string> Preamble()
    {
        yield return string.Create(
            CultureInfo.InvariantCulture, $"{machine.Date:yyyy-MM-dd HH:mm} UTC, {took.TotalSeconds:0} s; {machine}");
        yield return $"Program: {options.Kind}. {options.Runs} {(options.Runs == 1 ? "run" : "runs")} of each part{(options.Quick ? " (--quick: for a look, not for quoting)" : "")}; median of the runs, spread from least to most.";
        if (machine.Busy)
        {
            yield return "The machine was busy with other work while this ran: times are worse than they are on a quiet one.";
        }

        if (options.Note is { } note)
        {
            yield return note;
        }

        foreach (var failure in measured.Failures)
        {
            yield return $"Not measured: {failure}";
        }
    }

    public string ToMarkdown()
    {
        var text = new StringBuilder();
        text.AppendLine("# Benchmarks").AppendLine();
        text.AppendLine("Written by `bench/run.sh --write`; not by hand. What each number means and how it is measured: [bench/README.md](../bench/README.md).")
            .AppendLine();
        foreach (var line in Preamble())
        {
            text.AppendLine(line).AppendLine();
        }

        return text.Append(Table()).ToString();
    }

    public string ToJson() => new JsonObject
    {
        ["date"] = machine.Date.ToString("O", CultureInfo.InvariantCulture),
        ["seconds"] = Math.Round(took.TotalSeconds),
        ["machine"] = new JsonObject
        {
            ["cores"] = machine.Cores,
            ["processor"] = machine.Processor,
            ["memoryGb"] = machine.MemoryGb,
            ["system"] = machine.System,
            ["kernel"] = machine.Kernel,
            ["runtime"] = machine.Runtime,
            ["others"] = machine.Others,
            ["busy"] = machine.Busy,
        },
        ["program"] = options.Kind,
        ["runs"] = options.Runs,
        ["quick"] = options.Quick,
        ["note"] = options.Note,
        ["failures"] = new JsonArray([.. measured.Failures.Select(f => (JsonNode)f)]),
        ["results"] = new JsonArray([.. measured.Rows.Select(r => (JsonNode)ToJson(r.Claim, r.Values))]),
    }.ToJsonString(s_indented);

    private static JsonObject ToJson(Claim claim, IReadOnlyList<double> values)
    {
        var median = Measured.Median(values);
        return new JsonObject
        {
            ["id"] = claim.Id,
            ["what"] = claim.What,
            ["unit"] = claim.Unit,
            ["median"] = Math.Round(median, 3),
            ["min"] = Math.Round(values.Min(), 3),
            ["max"] = Math.Round(values.Max(), 3),
            ["values"] = new JsonArray([.. values.Select(v => (JsonNode)Math.Round(v, 3))]),
            ["bound"] = claim.Bound,
            ["atLeast"] = claim.Bound is null ? null : claim.AtLeast,
            ["ofBound"] = claim.Bound is { } bound ? Math.Round(median / bound, 3) : null,
            ["pass"] = claim.Bound is null ? null : claim.Holds(median),
        };
    }

    private static string[] Row(Claim claim, IReadOnlyList<double> values)
    {
        var median = Measured.Median(values);
        return
        [
            claim.What,
            Number(median),
            values.Count == 1 ? "" : $"{Number(values.Min())}–{Number(values.Max())}",
            claim.Unit,
            claim.Bound is { } bound ? $"{(claim.AtLeast ? "≥" : "<")} {Number(bound)}" : "",
            claim.Bound is { } limit ? (median / limit).ToString("0.00×", CultureInfo.InvariantCulture) : "",
            claim.Bound is null ? "" : claim.Holds(median) ? "pass" : "MISS",
        ];
    }

    private static string Number(double value)
        => value.ToString(value >= 100 || value == Math.Floor(value) ? "#,0" : value >= 10 ? "0.0" : "0.00", CultureInfo.InvariantCulture);
}

using System.Globalization;

namespace PocketCoder.Bench;

/// <summary>What to measure, how often, and on which program.</summary>
internal sealed record BenchOptions
{
    /// <summary>Every part, in the order in which they run.</summary>
    public static readonly IReadOnlyList<string> AllParts =
        ["start", "memory", "session", "agents", "scale", "ledger", "hands", "broker", "gateway", "push", "files", "snapshots", "app"];

    public const string Usage = """
        usage: bench [start|memory|session|agents|scale|ledger|hands|broker|gateway|push|files|snapshots|app]... --program FILE [--kind TEXT] [--runs N] [--quick] [--folder DIR] [--app-script FILE]
                     [--bare FILE] [--bare-native FILE] [--json FILE] [--markdown FILE] [--note TEXT]
        """;

    /// <summary>The parts to measure; all when none is named.</summary>
    public IReadOnlyList<string> Parts { get; init; } = [];

    /// <summary>Times each part is measured from the beginning.</summary>
    public int Runs { get; init; } = 5;

    /// <summary>Less of everything, to see that it works: numbers of this kind are not to be quoted.</summary>
    public bool Quick { get; init; }

    /// <summary>The built <c>pocketcoder</c> that is measured.</summary>
    public string Program { get; init; } = "";

    /// <summary>Nothing but Kestrel (<c>bench/PocketCoder.Bare</c>), with the .NET runtime in its one file; null: not compared.</summary>
    public string? Bare { get; init; }

    /// <summary>The same as native code; null: not compared.</summary>
    public string? BareNative { get; init; }

    /// <summary>In words, what kind of build the program is.</summary>
    public string Kind { get; init; } = "a build";

    /// <summary>Where databases and homes are made: it must be a real disk for numbers about durability.</summary>
    public string Folder { get; init; } = Path.GetTempPath();

    /// <summary>The Node.js program that measures the app in Chromium.</summary>
    public string AppScript { get; init; } = Path.GetFullPath("bench/app.mjs");

    public string? Json { get; init; }

    public string? Markdown { get; init; }

    /// <summary>What a reader of the table must know, such as that the machine was busy.</summary>
    public string? Note { get; init; }

    /// <summary>How long a process is left alone before its memory is read.</summary>
    public TimeSpan Idle => TimeSpan.FromSeconds(Quick ? 3 : 10);

    /// <summary>How long appends to the ledger go on.</summary>
    public TimeSpan LedgerLoad => TimeSpan.FromSeconds(Quick ? 1 : 3);

    /// <exception cref="FormatException">An option is unknown, or its value is missing or no number.</exception>
    public static BenchOptions Parse(IReadOnlyList<string> args)
    {
        var options = new BenchOptions();
        int? runs = null;
        for (var i = 0; i < args.Count; i++)
        {
            options = args[i] switch
            {
                "--quick" => options with { Quick = true },
                "--runs" => With(options, runs = int.Parse(Value(args, ++i), CultureInfo.InvariantCulture)),
                "--program" => options with { Program = Path.GetFullPath(Value(args, ++i)) },
                "--bare" => options with { Bare = Path.GetFullPath(Value(args, ++i)) },
                "--bare-native" => options with { BareNative = Path.GetFullPath(Value(args, ++i)) },
                "--kind" => options with { Kind = Value(args, ++i) },
                "--folder" => options with { Folder = Path.GetFullPath(Value(args, ++i)) },
                "--app-script" => options with { AppScript = Path.GetFullPath(Value(args, ++i)) },
                "--json" => options with { Json = Value(args, ++i) },
                "--markdown" => options with { Markdown = Value(args, ++i) },
                "--note" => options with { Note = Value(args, ++i) },
                var part when AllParts.Contains(part, StringComparer.Ordinal) => options with { Parts = [.. options.Parts, part] },
                var other => throw new FormatException($"unknown: {other}"),
            };
        }

        return options with { Runs = runs ?? (options.Quick ? 1 : 5), Parts = options.Parts.Count == 0 ? AllParts : options.Parts };
    }

    private static BenchOptions With(BenchOptions options, int? runs)
        => runs is >= 1 and <= 100 ? options : throw new FormatException("--runs is 1 to 100");

    private static string Value(IReadOnlyList<string> args, int index)
        => index < args.Count ? args[index] : throw new FormatException($"{args[index - 1]} needs a value");
}

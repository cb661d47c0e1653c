using System.Globalization;

namespace PocketCoder.Bench;

/// <summary>What every benchmark takes.</summary>
internal sealed record BenchOptions
{
    public int Runs { get; init; } = 5;

    public double Seconds { get; init; } = 3;

    public int Producers { get; init; } = 200;

    public bool Json { get; init; }

    /// <summary>Where files are made; it must be a real disk for numbers about durability.</summary>
    public string Folder { get; init; } = Path.GetTempPath();

    public static BenchOptions Parse(ReadOnlySpan<string> args)
    {
        var options = new BenchOptions();
        for (var i = 0; i < args.Length; i++)
        {
            options = args[i] switch
            {
                "--json" => options with { Json = true },
                "--runs" => options with { Runs = int.Parse(args[++i], CultureInfo.InvariantCulture) },
                "--seconds" => options with { Seconds = double.Parse(args[++i], CultureInfo.InvariantCulture) },
                "--producers" => options with { Producers = int.Parse(args[++i], CultureInfo.InvariantCulture) },
                "--folder" => options with { Folder = args[++i] },
                var other => throw new ArgumentException($"unknown option {other}", nameof(args)),
            };
        }

        return options;
    }
}

using System.Globalization;
using System.Runtime.Versioning;
using System.Text.Json;
using PocketCoder.Bench.Daemons;
using PocketCoder.Bench.Results;
using PocketCoder.Bench.Sessions;
using PocketCoder.Processes;

namespace PocketCoder.Bench.App;

/// <summary>The app as a phone meets it, measured by a Node.js program that drives Chromium against the built program.</summary>
[UnsupportedOSPlatform("windows")]
internal static class AppBench
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(3);

    public static async Task RunAsync(BenchOptions options, Measured measured)
    {
        await using var daemon = await DaemonProcess.StartAsync(options);
        await using (var device = await daemon.PairAsync())
        {
            await SessionBench.BeginAsync(daemon, device);
        }

        var start = new ProcessStart
        {
            Program = "node",
            Arguments = [options.AppScript, options.Runs.ToString(CultureInfo.InvariantCulture), daemon.Url, await daemon.LinkAsync(),
                await daemon.LinkAsync()],
            WorkingDirectory = Path.GetDirectoryName(options.AppScript)!,
            Environment = EnvironmentAllowList.Own().ToDictionary(StringComparer.Ordinal),
        };
        var result = await CommandRun.RunAsync(start, s_limit, 1 << 20, TimeProvider.System, CancellationToken.None);
        if (result.TimedOut || result.ExitCode != 0)
        {
            throw new InvalidOperationException($"Chromium could not be driven: {result.Output.Trim()}");
        }

        foreach (var line in result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            using var document = JsonDocument.Parse(line);
            var id = document.RootElement.GetProperty("id").GetString();
            measured.Add(Claims.All.Single(c => c.Id == id), document.RootElement.GetProperty("value").GetDouble());
        }
    }
}

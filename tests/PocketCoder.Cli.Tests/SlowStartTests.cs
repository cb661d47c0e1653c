using System.Text.RegularExpressions;
using PocketCoder.Machine;
using PocketCoder.Machine.Starting;
using PocketCoder.Testing;

namespace PocketCoder.Cli.Tests;

/// <summary>
/// A daemon that takes long to start (a real one, held up by a signal): it is judged by what it does and not by the clock.
/// </summary>
[Trait("Category", "Slow")]
[Trait("Takes", "minutes")]
public sealed partial class SlowStartTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(4);

    [Fact]
    public async Task It_is_waited_for_with_what_it_does_and_the_other_commands_say_that_it_starts()
    {
        await using var home = new CliHome();
        var (start, pid) = await HoldUpAsync(home);
        await using var disposed = start;
        try
        {
            var status = (await home.RunAsync("status")).Ended(1).Error;
            Assert.Contains("is starting", status, StringComparison.Ordinal);
            Assert.DoesNotContain("not running", status, StringComparison.Ordinal);

            // Longer than half a minute, after which an earlier version killed it.
            await Wait.UntilAsync(() => Waited().Matches(start.Error).Any(m => int.Parse(
                m.Groups["seconds"].Value, System.Globalization.CultureInfo.InvariantCulture) >= 32), "it tells that it waits", s_limit);
            Assert.Contains(Waited().Matches(start.Error), m => m.Groups["step"].Value == StartProgress.Read(home.Home)!.Step);
            Assert.False(start.HasExited);
        }
        finally
        {
            await RunningProgram.SignalAsync(pid, "CONT");
        }

        Assert.Contains($"(pid {pid})", (await start.EndAsync(s_limit)).Succeeded().Out, StringComparison.Ordinal);
        Assert.Null(StartProgress.Read(home.Home));
    }

    [Fact]
    public async Task One_that_does_nothing_for_a_minute_is_ended_and_the_step_is_named()
    {
        await using var home = new CliHome();
        var (start, pid) = await HoldUpAsync(home, "--json");
        await using var disposed = start;

        var ended = (await start.EndAsync(s_limit)).Ended(1);

        var told = ended.ErrorJson.GetProperty("message").GetString()!; // one object and nothing beside it
        Assert.Contains($"while {StartProgress.Read(home.Home)!.Step} and was killed", told, StringComparison.Ordinal);
        await Wait.UntilAsync(() => !DaemonLock.IsTaken(home.Home), "it is gone");
        Assert.NotEqual(pid, await home.StartAsync());
    }

    /// <summary>
    /// Starts the daemon and stops it by a signal while its start is under way. That is over in a tenth of a second, perhaps before it is
    /// seen: then once more.
    /// </summary>
    private static async Task<(RunningProgram Start, int Pid)> HoldUpAsync(CliHome home, params IEnumerable<string> options)
    {
        while (true)
        {
            var start = home.Begin([.. (string[])["start", "--demo", "--listen", home.Listen], .. options]);
            await Wait.UntilAsync(() => start.HasExited || Starting() is not null, "it starts", s_limit);
            if (Starting() is { } pid)
            {
                await RunningProgram.SignalAsync(pid, "STOP");
                if (Starting() is not null)
                {
                    return (start, pid);
                }

                await RunningProgram.SignalAsync(pid, "CONT");
            }

            await using (start)
            {
                (await start.EndAsync(s_limit)).Succeeded();
            }

            (await home.RunAsync("stop")).Succeeded();
        }

        int? Starting()
            => StartProgress.Read(home.Home) is not null && DaemonLock.Holder(home.Home) is { IsAlive: true, Pid: var pid } ? pid : null;
    }

    [GeneratedRegex(@"Waiting for the daemon \((?<step>.+), (?<seconds>\d+) s\)",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Waited();
}

using System.CommandLine;
using PocketCoder.Cli.Parsing;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder logs</c>: reads the files, so it works when the daemon does not.</summary>
internal static class LogsCommand
{
    private const int Usual = 50;

    public static Command Create(Terminal terminal)
    {
        var tail = Values.Whole("--tail", "N", "Number of lines: 0 to 1000000 (default 50)", 0, 1_000_000);
        var follow = new Option<bool>("--follow", "-f") { Description = "Follow new lines as they are written" };
        return new Command("logs", "Show the daemon's log") { tail, follow }.Does(terminal, async (context, parsed, ct) =>
        {
            void Show(string line) => context.Say(context.Json ? line : LogReader.Show(line));
            var file = context.Home.LogFile;
            if (!File.Exists(file) && !parsed.GetValue(follow))
            {
                if (!context.Json)
                {
                    await context.Terminal.Error.WriteLineAsync($"No log yet in {context.Home.Logs}");
                }

                return ExitCode.Ok;
            }

            if (!parsed.GetValue(follow))
            {
                foreach (var line in LogReader.Tail(file, parsed.GetValue(tail) ?? Usual))
                {
                    Show(line);
                }

                return ExitCode.Ok;
            }

            try
            {
                // The tail is read after the place to follow from is fixed: no line is lost between; one written just then may come twice.
                await LogReader.FollowAsync(
                    file,
                    TimeSpan.FromMilliseconds(250),
                    Show,
                    () =>
                    {
                        foreach (var line in LogReader.Tail(file, parsed.GetValue(tail) ?? Usual))
                        {
                            Show(line);
                        }
                    },
                    ct);
            }
            catch (OperationCanceledException)
            {
                // Ctrl-C is how following ends.
            }

            return ExitCode.Ok;
        });
    }
}

using System.CommandLine;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder logs</c>: reads the files, so it works when the daemon does not.</summary>
internal static class LogsCommand
{
    public static Command Create(Terminal terminal)
    {
        var tail = new Option<int>("--tail") { Description = "How many lines (default 50)", HelpName = "N", DefaultValueFactory = _ => 50 };
        tail.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, out var count) && count is < 0 or > 1_000_000)
            {
                result.AddError("--tail takes 0 to 1000000.");
            }
        });
        var follow = new Option<bool>("--follow", "-f") { Description = "Go on as lines are written" };
        return new Command("logs", "Show the daemon's log") { tail, follow }.Does(terminal, async (context, parsed, ct) =>
        {
            void Show(string line) => context.Say(context.Json ? line : LogReader.Show(line));
            var file = context.Home.LogFile;
            if (!File.Exists(file) && !parsed.GetValue(follow))
            {
                await context.Terminal.Error.WriteLineAsync($"There is no log yet in {context.Home.Logs}");
                return ExitCode.Ok;
            }

            if (!parsed.GetValue(follow))
            {
                foreach (var line in LogReader.Tail(file, parsed.GetValue(tail)))
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
                        foreach (var line in LogReader.Tail(file, parsed.GetValue(tail)))
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

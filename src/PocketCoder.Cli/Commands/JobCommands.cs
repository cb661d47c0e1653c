using System.CommandLine;
using System.Globalization;
using System.Text;
using PocketCoder.Cli.Output;
using PocketCoder.Machine;
using PocketCoder.Platform;
using PocketCoder.Protocol;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder jobs</c> and <c>pocketcoder output</c>: what runs in the background, and what commands wrote.</summary>
internal static class JobCommands
{
    public static Command List(Terminal terminal)
    {
        var stop = new Option<string?>("--stop") { Description = "Stop a job, by its name or id", HelpName = "JOB" };
        return new Command("jobs", "List background jobs") { stop }.Does(terminal, async (context, parsed, ct) =>
        {
            IReadOnlyList<JobInfo> jobs = parsed.GetValue(stop) is { } which ? [await context.Daemon.StopJobAsync(which, ct)]
                : await context.Daemon.ListJobsAsync(ct);
            if (context.Json)
            {
                CliJson.Write(context.Terminal, jobs, CliJson.Default.IReadOnlyListJobInfo);
            }
            else if (parsed.GetValue(stop) is not null)
            {
                context.Say($"Stopped {jobs[0].Job}: {Untrusted.Show(jobs[0].Command)}");
            }
            else if (jobs.Count == 0)
            {
                context.Say("No jobs are running.");
            }
            else
            {
                var table = PlainTable.Of("Job", "Since", "Bytes", "Command", "Id");
                foreach (var job in jobs)
                {
                    table.Row(job.Job, $"{job.StartedAt.ToLocalTime():yyyy-MM-dd HH:mm:ss}",
                        job.Bytes.ToString(CultureInfo.InvariantCulture), job.Command, job.ApprovalId.ToString());
                }

                context.Terminal.Tables().Write(table);
            }

            return ExitCode.Ok;
        });
    }

    public static Command Output(Terminal terminal)
    {
        var id = new Argument<string>("id") { Description = "Approval id, or a prefix of at least 8 characters" };
        var file = new Option<string?>("--output", "-o")
        {
            Description =
            "Write the exact bytes to this file (default: print here, with control characters escaped)",
            HelpName = "FILE"
        };
        return new Command("output", "Show a command's complete output") { id, file }.Does(terminal, async (context, parsed, ct) =>
        {
            var approval = parsed.GetRequiredValue(id);
            if (parsed.GetValue(file) is { } path)
            {
                await SaveAsync(context, approval, Path.GetFullPath(path, context.Terminal.CurrentDirectory), ct);
                return ExitCode.Ok;
            }

            var decoder = Encoding.UTF8.GetDecoder();
            var last = await ReadAsync(context, approval, async bytes =>
            {
                var text = new char[decoder.GetCharCount(bytes, flush: false)];
                decoder.GetChars(bytes, text, flush: false);
                if (!context.Json)
                {
                    await context.Terminal.Out.WriteAsync(Safe(new string(text)));
                }
            }, ct);
            await TellAsync(context, last);
            return ExitCode.Ok;
        });
    }

    private static async Task SaveAsync(CommandContext context, string approval, string path, CancellationToken ct)
    {
        ExecutionOutputResponse last;
        await using (var stream = PrivateFile.Open(path, FileMode.CreateNew, FileAccess.Write, FileShare.None))
        {
            try
            {
                last = await ReadAsync(context, approval, async bytes => await stream.WriteAsync(bytes, ct), ct);
            }
            catch
            {
                File.Delete(path); // a part would stand in the way of the next try
                throw;
            }
        }

        await TellAsync(context, last);
    }

    private static async Task<ExecutionOutputResponse> ReadAsync(
        CommandContext context, string approval, Func<byte[], Task> take, CancellationToken ct)
    {
        for (long offset = 0; ;)
        {
            var part = await context.Daemon.OutputAsync(approval, offset, Limits.RangeBytes, ct);
            var bytes = Convert.FromBase64String(part.Data);
            await take(bytes);
            offset += bytes.Length;
            if (bytes.Length == 0)
            {
                return part;
            }
        }
    }

    private static async Task TellAsync(CommandContext context, ExecutionOutputResponse last)
    {
        if (context.Json)
        {
            CliJson.Write(context.Terminal, new OutputShown(last.ApprovalId, last.Kept, last.Total, last.Running),
                CliJson.Default.OutputShown);
        }
        else if (last.Total > last.Kept)
        {
            await context.Terminal.Error.WriteLineAsync($"{last.Total - last.Kept} more bytes were not kept.");
        }
    }

    /// <summary>Line by line, so that only line feeds and tabs do what they do.</summary>
    internal static string Safe(string text)
        => string.Join('\n', text.Split('\n').Select(line => string.Join('\t', line.Split('\t').Select(Untrusted.Show))));
}

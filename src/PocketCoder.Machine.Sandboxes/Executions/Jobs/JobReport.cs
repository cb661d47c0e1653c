using System.Globalization;
using System.Text;
using PocketCoder.Machine.Executions.Archive;

namespace PocketCoder.Machine.Executions.Jobs;

/// <summary>What an agent reads about jobs. Pure but for the archive.</summary>
public static class JobReport
{
    /// <summary>Longest command in a list, in characters: the agent wrote it and knows it.</summary>
    private const int ShownCommand = 120;

    /// <summary>
    /// State, and the output from <paramref name="since"/> on: at most <paramref name="limit"/> bytes, head and tail when there is more.
    /// </summary>
    /// <returns>The text, and up to where it tells.</returns>
    public static (string Text, long ReadTo) Output(Job job, SessionArchive archive, Guid session, long since, int limit)
    {
        var head = archive.Read(session, job.ApprovalId, since, limit);
        var total = head?.Total ?? job.Execution.Bytes;
        var kept = head?.Kept ?? 0;
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture,
            $"[{job.Name}: {StateOf(job)}; {total} bytes of output, these are {Math.Min(since, total)} to {Math.Max(Math.Min(since, total), kept)}]\n");
        if (head is not null && kept - since > limit)
        {
            var half = limit / 2;
            var tail = archive.Read(session, job.ApprovalId, kept - half, half);
            text.Append(Encoding.UTF8.GetString(head.Bytes.Span[..half]));
            text.Append(CultureInfo.InvariantCulture,
                $"\n[… {kept - since - (2 * half)} bytes left out: ask with since {since + half} …]\n");
            text.Append(Encoding.UTF8.GetString(tail is null ? [] : tail.Bytes.Span));
        }
        else if (head is not null)
        {
            text.Append(Encoding.UTF8.GetString(head.Bytes.Span));
        }

        if (total > kept)
        {
            text.Append(CultureInfo.InvariantCulture, $"\n[{total - kept} bytes after that were not kept]");
        }

        return (text.ToString(), Math.Max(since, kept));
    }

    public static string List(IReadOnlyCollection<Job> jobs)
        => jobs.Count == 0 ? "There are no jobs in this session." : string.Join('\n', jobs.Select(Line));

    /// <summary>One line: name, state, command.</summary>
    public static string Line(Job job) => $"{job.Name}: {StateOf(job)}; {Short(job.Command)}";

    public static string StateOf(Job job) => job.Result is { } result
        ? job.StoppedBy is { } who ? $"ended: {who} stopped it" : result.EndWords
        : "running";

    public static string Short(string command)
    {
        var line = ShortText.OneLine(command);
        return line.Length <= ShownCommand ? line
            : $"{line.AsSpan(0, char.IsHighSurrogate(line[ShownCommand - 1]) ? ShownCommand - 1 : ShownCommand)}…";
    }
}

using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Sessions.Titles;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Marks;

/// <summary>A person's marks on a session. On its mailbox only; holds nothing.</summary>
internal sealed class Marking(SessionContext session, Func<bool> waits)
{
    /// <summary>The marks as a request wants them.</summary>
    /// <exception cref="RequestFailure">INVALID_REQUEST; CONFLICT: it waits for a person, who can't put that off by not looking</exception>
    public SessionMarks Of(AgentSessionSetRequest request)
    {
        var marks = session.Record.Marks;
        return marks with
        {
            Pinned = request.Pinned ?? marks.Pinned,
            Labels = request.Labels is { } labels ? Labels(labels, marks.Labels) : marks.Labels,
            SnoozedUntil = request.SnoozedUntil is { } until ? Until(until) : marks.SnoozedUntil,
        };
    }

    /// <summary>Whether something was said that the person did not see.</summary>
    public bool Unread => session.Stream.Said > session.Record.Marks.Seen;

    /// <summary>The person saw it up to an event. Never goes back.</summary>
    /// <returns>What is known as seen.</returns>
    public async Task<long> SeeAsync(long seq)
    {
        var marks = session.Record.Marks;
        var seen = Math.Min(seq, session.Stream.Head);
        if (seen > marks.Seen)
        {
            await SaveAsync(marks with { Seen = seen });
        }

        return Math.Max(seen, marks.Seen);
    }

    /// <summary>It needs a person: it comes back at once.</summary>
    public Task WakeAsync()
        => session.Record.Marks is { SnoozedUntil: not null } marks ? SaveAsync(marks with { SnoozedUntil = null }) : Task.CompletedTask;

    private async Task SaveAsync(SessionMarks marks)
    {
        await session.Store.WriteAsync(change => MarkRows.Save(change, session.SessionId, marks));
        session.Replace(session.Record with { Marks = marks });
    }

    private static IReadOnlyList<string> Labels(IReadOnlyList<string> wanted, IReadOnlyList<string> known)
    {
        if (wanted.Count > Limits.SessionLabels)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, $"A session has at most {Limits.SessionLabels} labels.");
        }

        var labels = new List<string>(wanted.Count);
        foreach (var label in wanted)
        {
            var clean = SessionTitle.Visible(label ?? "");
            if (clean.Length is 0 or > Limits.LabelLength)
            {
                throw new RequestFailure(ErrorCode.InvalidRequest, $"A label has 1 to {Limits.LabelLength} characters that can be seen.");
            }

            if (!labels.Contains(clean, StringComparer.OrdinalIgnoreCase))
            {
                labels.Add(clean);
            }
        }

        return labels.SequenceEqual(known, StringComparer.Ordinal) ? known : labels;
    }

    private DateTimeOffset? Until(DateTimeOffset until)
    {
        var now = session.Store.Now;
        if (until <= now)
        {
            return null;
        }

        return until > now.AddDays(Limits.SnoozeDays)
            ? throw new RequestFailure(ErrorCode.InvalidRequest, $"A session can be snoozed for at most {Limits.SnoozeDays} days.")
            : waits() ? throw new RequestFailure(ErrorCode.Conflict, "The session waits for you. Answer it first.")
            : Instant.Truncate(until);
    }
}

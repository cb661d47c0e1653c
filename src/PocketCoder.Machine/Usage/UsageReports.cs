using PocketCoder.Machine.Models;
using PocketCoder.Machine.Projects;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Sessions;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Usage;

/// <summary>Adds up what agents used, from the one table of it, with today's names. No state; thread-safe.</summary>
internal sealed class UsageReports(ModelService models, ProjectStore projects, SessionDirectory sessions, Store store)
{
    /// <exception cref="RequestFailure">INVALID_REQUEST: that many days are not told.</exception>
    public async Task<UsageGetResponse> GetAsync(UsageGetRequest request, CancellationToken ct)
    {
        if (request.Days is < 1 or > UsageLimits.MostDays)
        {
            throw new RequestFailure(
                ErrorCode.InvalidRequest, $"What was used is told of 1 to {UsageLimits.MostDays} days, or of all without a number.");
        }

        const int Most = UsageLimits.MostRows;
        var now = store.Now;
        var from = request.Days is { } wanted ? UsageRows.Day(now.AddDays(1 - wanted)) : "";
        var firstDay = UsageRows.Day(now.AddDays(1 - UsageLimits.MostDays));
        var (total, days, byModel, byProject, bySession) = await store.ReadAsync(
            reader => (UsageRows.Total(reader, from), UsageRows.ByDay(reader, UsageLimits.MostDays, firstDay),
                UsageRows.ByModel(reader, from, Most), UsageRows.ByProject(reader, from, Most), UsageRows.BySession(reader, from, Most)),
            ct);
        var names = (await projects.ListAsync(ct)).ToDictionary(p => p.ProjectId, p => p.Name);
        return new UsageGetResponse(
            models.Prices.AsOf,
            UsageRows.Day(now),
            total.Sum,
            [.. days.Select(d => new NamedUsage(d.Day, d.Day, d.Sum))],
            [.. byModel.Select(m => new NamedUsage(m.Model, m.Model, m.Sum))],
            [.. byProject.Select(p => new NamedUsage(p.Project.ToString(), names.GetValueOrDefault(p.Project), p.Sum))],
            [.. bySession.Select(s => new NamedUsage(s.Session.ToString(), sessions.Find(s.Session)?.Info.Title, s.Sum))],
            total.Models - byModel.Count,
            total.Projects - byProject.Count,
            total.Sessions - bySession.Count,
            sessions.Actors.Select(a => a.Info).Count(
                s => s.Models == ModelAccess.Direct && string.CompareOrdinal(UsageRows.Day(s.UpdatedAt), from) >= 0));
    }
}

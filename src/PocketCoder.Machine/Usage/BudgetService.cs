using PocketCoder.Broker.Models;
using PocketCoder.Machine.Models;
using PocketCoder.Machine.Projects;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Sessions;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Usage;

/// <summary>Budgets as people see and change them: checked, with names, and with how much of each is used. Thread-safe.</summary>
internal sealed class BudgetService(ModelService models, ProjectStore projects, SessionDirectory sessions)
{
    public async Task<IReadOnlyList<BudgetInfo>> ListAsync(CancellationToken ct)
    {
        var known = await projects.ListAsync(ct);
        var all = models.Budgets.List();
        return [.. all.Select(b => Shown(b, all, known))];
    }

    /// <param name="device">Null: the owner at the machine.</param>
    /// <exception cref="RequestFailure">INVALID_REQUEST, PROJECT_NOT_FOUND.</exception>
    public async Task<BudgetInfo> SetAsync(Device? device, BudgetSetRequest request, CancellationToken ct)
    {
        RefuseProjectOfTheDay(request.Scope, request.ProjectId);
        if ((request.Dollars is null && request.Tokens is null) || request.Dollars is <= 0 or > UsageLimits.MostDollars
            || request.Tokens is <= 0 or > UsageLimits.MostTokens)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, "A budget has dollars, tokens or both, above zero.");
        }

        Guid? project = request.ProjectId is { } id ? (await projects.RulingAsync(id, ct)).ProjectId : null;
        var set = await models.Budgets.SetAsync(request.Scope, project, request.Action, request.Dollars, request.Tokens, device);
        return Shown(set, models.Budgets.List(), await projects.ListAsync(ct));
    }

    /// <summary>Also of a project that was removed: its budget is still listed.</summary>
    /// <param name="device">Null: the owner at the machine.</param>
    /// <exception cref="RequestFailure">INVALID_REQUEST; UNAUTHORIZED: it is the owner's, and a device asks.</exception>
    public async Task<bool> RemoveAsync(Device? device, BudgetRemoveRequest request, CancellationToken ct)
    {
        RefuseProjectOfTheDay(request.Scope, request.ProjectId);
        var worktree = (await projects.ListAsync(ct)).FirstOrDefault(p => p.ProjectId == request.ProjectId)?.Worktree;
        return await models.Budgets.RemoveAsync(request.Scope, worktree?.ParentId ?? request.ProjectId, device);
    }

    private static void RefuseProjectOfTheDay(BudgetScope scope, Guid? project)
    {
        if (scope == BudgetScope.Day && project is not null)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, "The budget of the day is for the whole machine.");
        }
    }

    private BudgetInfo Shown(BudgetEntry budget, IReadOnlyList<BudgetEntry> all, IReadOnlyList<ProjectInfo> known) => new(
        budget.Scope,
        budget.ProjectId,
        known.FirstOrDefault(p => p.ProjectId == budget.ProjectId)?.Name,
        budget.Action,
        budget.Dollars,
        budget.Tokens,
        budget.SetAt,
        budget.SetBy,
        UseOf(budget, all, known));

    private BudgetUse? UseOf(BudgetEntry budget, IReadOnlyList<BudgetEntry> all, IReadOnlyList<ProjectInfo> known)
    {
        if (budget.Scope == BudgetScope.Day)
        {
            return Use(null, null, models.SpentOf(BudgetScope.Day, Guid.Empty));
        }

        // of one layer, a project's own budget goes before the one for all
        bool Holds(Guid project) => budget.ProjectId is { } own ? own == project
            : !all.Any(b => b.OfDevice == budget.OfDevice && b.Scope == budget.Scope && b.ProjectId == project);
        var ruling = known.ToDictionary(p => p.ProjectId, p => p.Worktree?.ParentId ?? p.ProjectId);
        var candidates = budget.Scope == BudgetScope.Project
            ? known.Where(p => p.Worktree is null && Holds(p.ProjectId)).Select(p => (Id: p.ProjectId, p.Name))
            : sessions.Actors.Select(a => a.Info).Where(s => Holds(ruling.GetValueOrDefault(s.ProjectId, s.ProjectId)))
                .Select(s => (Id: s.AgentSessionId, Name: s.Title));
        return candidates.Select(c => Use(c.Id, c.Name, models.SpentOf(budget.Scope, c.Id))).Where(u => u.Tokens > 0 || u.Dollars > 0)
            .MaxBy(u => Math.Max(
                budget.Dollars is { } dollars ? (double)u.Dollars / (double)dollars : 0,
                budget.Tokens is { } tokens ? (double)u.Tokens / tokens : 0));
    }

    private static BudgetUse Use(Guid? id, string? name, ModelSpending spent) => new(id, name, spent.Dollars, spent.Tokens, spent.Unpriced);
}

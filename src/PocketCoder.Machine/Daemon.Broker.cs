using PocketCoder.Broker.Models;
using PocketCoder.Broker.Secrets;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Models;
using PocketCoder.Protocol;

namespace PocketCoder.Machine;

/// <summary>Secrets, budgets and the use of models, for the owner on the same machine.</summary>
public sealed partial class Daemon
{
    Task<IReadOnlyList<SecretName>> IBrokerControl.ListSecretsAsync(CancellationToken ct)
        => Task.FromResult<IReadOnlyList<SecretName>>([.. _secrets.List().Select(s => new SecretName(s.Name, s.SetAt))]);

    async Task IBrokerControl.SetSecretAsync(string name, string value, CancellationToken ct)
    {
        try
        {
            await _secrets.SetAsync(name, value);
        }
        catch (SecretException e)
        {
            throw Refused(e);
        }
    }

    async Task<bool> IBrokerControl.RemoveSecretAsync(string name, CancellationToken ct)
    {
        try
        {
            return await _secrets.RemoveAsync(name);
        }
        catch (SecretException e)
        {
            throw Refused(e);
        }
    }

    async Task<UsageReport> IBrokerControl.UsageAsync(CancellationToken ct)
    {
        const int Days = 30, Sessions = 50;
        var (days, models, projects, sessions) = await _store.ReadAsync(
            reader => (UsageRows.ByDay(reader, Days), UsageRows.ByModel(reader), UsageRows.ByProject(reader), UsageRows.BySession(reader)), ct);
        var names = (await _projects.ListAsync(ct)).ToDictionary(p => p.ProjectId, p => p.Name);
        return new UsageReport(
            _models.Prices.AsOf,
            [.. days.Select(d => new NamedUsage(d.Day, d.Day, d.Sum))],
            [.. models.Select(m => new NamedUsage(m.Model, m.Model, m.Sum))],
            [.. projects.Select(p => new NamedUsage(p.Project.ToString(), names.GetValueOrDefault(p.Project) ?? "(removed)", p.Sum))],
            [.. sessions.Take(Sessions).Select(s => new NamedUsage(s.Session.ToString(), _sessions.Find(s.Session)?.Info.Title ?? "(removed)", s.Sum))]);
    }

    async Task<IReadOnlyList<BudgetShown>> IBrokerControl.ListBudgetsAsync(CancellationToken ct)
    {
        var projects = await _projects.ListAsync(ct);
        return [.. _models.Budgets.List().Select(b => Shown(b, projects))];
    }

    async Task<BudgetShown> IBrokerControl.SetBudgetAsync(BudgetRequest request, CancellationToken ct)
    {
        var projects = await _projects.ListAsync(ct);
        var (scope, project) = Which(request.Scope, request.Project, projects);
        if (!Enum.TryParse<BudgetAction>(request.Action, ignoreCase: true, out var action) || !Enum.IsDefined(action))
        {
            throw new ControlException(ErrorCode.InvalidRequest, "A budget that is spent can stop or ask.");
        }

        if ((request.Dollars is null && request.Tokens is null) || request.Dollars is <= 0 or > 1_000_000 || request.Tokens is <= 0 or > 1_000_000_000_000)
        {
            throw new ControlException(ErrorCode.InvalidRequest, "A budget has dollars, tokens or both, above zero.");
        }

        return Shown(await _models.Budgets.SetAsync(scope, project, action, request.Dollars, request.Tokens), projects);
    }

    async Task<bool> IBrokerControl.RemoveBudgetAsync(BudgetSelection selection, CancellationToken ct)
    {
        var (scope, project) = Which(selection.Scope, selection.Project, await _projects.ListAsync(ct));
        return await _models.Budgets.RemoveAsync(scope, project);
    }

    private static (BudgetScope Scope, Guid? Project) Which(string scope, string? project, IReadOnlyList<ProjectInfo> projects)
    {
        if (!Enum.TryParse<BudgetScope>(scope, ignoreCase: true, out var known) || !Enum.IsDefined(known))
        {
            throw new ControlException(ErrorCode.InvalidRequest, "A budget is for each session, for each project, or for the day.");
        }

        return known == BudgetScope.Day && project is not null
            ? throw new ControlException(ErrorCode.InvalidRequest, "The budget of the day is for the whole machine.")
            : (known, project is null ? null : Selection.Project(projects, project).ProjectId);
    }

    private static BudgetShown Shown(BudgetEntry budget, IReadOnlyList<ProjectInfo> projects) => new(
        budget.Scope.ToString().ToLowerInvariant(),
        budget.ProjectId is { } id ? projects.FirstOrDefault(p => p.ProjectId == id)?.Name ?? id.ToString() : null,
        budget.Action.ToString().ToLowerInvariant(),
        budget.Dollars,
        budget.Tokens,
        budget.SetAt);

    private static ControlException Refused(SecretException e)
        => new(e.Error is SecretError.NameInvalid or SecretError.ValueInvalid ? ErrorCode.InvalidRequest : ErrorCode.Unavailable, $"{char.ToUpperInvariant(e.Message[0])}{e.Message[1..]}.", e);
}

using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Usage;

/// <summary>
/// What agents used of their models, and its limits. Who may see every session and project may see what they used; a limit protects, so
/// changing one needs <see cref="Scope.Manage"/>, and what the owner set no device lifts.
/// </summary>
internal static class UsageRoutes
{
    public static MessageTable MapUsage(this MessageTable table, UsageReports reports, BudgetService budgets) => table
        .MapShared(Verbs.UsageGet, Scope.View, (_, request, ct) => reports.GetAsync(request, ct), concurrent: true)
        .MapShared(Verbs.BudgetsList, Scope.View, async (_, _, ct) => new BudgetsListResponse(await budgets.ListAsync(ct)))
        .MapShared(
            Verbs.BudgetSet, Scope.Manage,
            async (caller, request, ct) => new BudgetSetResponse(await budgets.SetAsync(caller.Device, request, ct)))
        .MapShared(
            Verbs.BudgetRemove, Scope.Manage,
            async (caller, request, ct) => new BudgetRemoveResponse(await budgets.RemoveAsync(caller.Device, request, ct)));
}

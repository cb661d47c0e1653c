using System.Text.Json;
using System.Text.Json.Serialization;
using PocketCoder.Broker.Models;
using PocketCoder.Machine.Models;
using PocketCoder.Machine.Projects;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Secrets;
using PocketCoder.Machine.Sessions;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>Secrets, budgets and the use of models. A secret's value comes in and never goes out.</summary>
internal static class OwnerModels
{
    private static OwnerModelsJson Json => OwnerModelsJson.Default;

    public static Verb<SecretsListRequest, SecretsListResponse> Secrets { get; } =
        new("secrets_list", static () => Json.SecretsListRequest, static () => Json.SecretsListResponse);

    public static Verb<SecretSetRequest, Changed> SetSecret { get; } =
        new("secret_set", static () => Json.SecretSetRequest, static () => Json.Changed);

    public static Verb<SecretRemoveRequest, Changed> RemoveSecret { get; } =
        new("secret_remove", static () => Json.SecretRemoveRequest, static () => Json.Changed);

    public static Verb<UsageRequest, UsageReport> Usage { get; } =
        new("usage_get", static () => Json.UsageRequest, static () => Json.UsageReport);

    public static Verb<BudgetsListRequest, BudgetsListResponse> Budgets { get; } =
        new("budgets_list", static () => Json.BudgetsListRequest, static () => Json.BudgetsListResponse);

    public static Verb<BudgetRequest, BudgetShown> SetBudget { get; } =
        new("budget_set", static () => Json.BudgetRequest, static () => Json.BudgetShown);

    public static Verb<BudgetSelection, Changed> RemoveBudget { get; } =
        new("budget_remove", static () => Json.BudgetSelection, static () => Json.Changed);

    public static MessageTable MapOwnerModels(
        this MessageTable table,
        SecretService secrets,
        ModelService models,
        ProjectStore projects,
        SessionDirectory sessions,
        Store store) => table
        .MapOwner(
            Secrets,
            (_, _, _) => Task.FromResult(new SecretsListResponse([.. secrets.List().Select(s => new SecretName(s.Name, s.SetAt))])))
        .MapOwner(
            SetSecret,
            async (_, request, _) =>
            {
                await secrets.SetAsync(request.Name, request.Value);
                return new Changed(true);
            })
        .MapOwner(
            RemoveSecret,
            async (_, request, _) => new Changed(await secrets.RemoveAsync(request.Name)))
        .MapOwner(
            Usage,
            (_, _, ct) => UsageAsync(models, projects, sessions, store, ct))
        .MapOwner(
            Budgets,
            async (_, _, ct) =>
            {
                var known = await projects.ListAsync(ct);
                return new BudgetsListResponse([.. models.Budgets.List().Select(b => Shown(b, known))]);
            })
        .MapOwner(
            SetBudget,
            async (_, request, ct) =>
            {
                var known = await projects.ListAsync(ct);
                var (scope, project) = Which(request.Scope, request.Project, known);
                if (Word<BudgetAction>(request.Action) is not { } action)
                {
                    throw new RequestFailure(ErrorCode.InvalidRequest, "A budget that is spent can stop or ask.");
                }

                if ((request.Dollars is null && request.Tokens is null) || request.Dollars is <= 0 or > 1_000_000
                    || request.Tokens is <= 0 or > 1_000_000_000_000)
                {
                    throw new RequestFailure(ErrorCode.InvalidRequest, "A budget has dollars, tokens or both, above zero.");
                }

                return Shown(await models.Budgets.SetAsync(scope, project, action, request.Dollars, request.Tokens), known);
            })
        .MapOwner(
            RemoveBudget,
            async (_, request, ct) =>
            {
                var (scope, project) = Which(request.Scope, request.Project, await projects.ListAsync(ct));
                return new Changed(await models.Budgets.RemoveAsync(scope, project));
            });

    private static async Task<UsageReport> UsageAsync(
        ModelService prices, ProjectStore known, SessionDirectory sessions, Store store, CancellationToken ct)
    {
        const int Days = 30, Sessions = 50;
        var (days, models, projects, used) = await store.ReadAsync(
            reader => (UsageRows.ByDay(reader, Days), UsageRows.ByModel(reader), UsageRows.ByProject(reader), UsageRows.BySession(reader)),
            ct);
        var names = (await known.ListAsync(ct)).ToDictionary(p => p.ProjectId, p => p.Name);
        return new UsageReport(
            prices.Prices.AsOf,
            [.. days.Select(d => new NamedUsage(d.Day, d.Day, d.Sum))],
            [.. models.Select(m => new NamedUsage(m.Model, m.Model, m.Sum))],
            [.. projects.Select(p => new NamedUsage(p.Project.ToString(), names.GetValueOrDefault(p.Project) ?? "(removed)", p.Sum))],
            [.. used.Take(Sessions).Select(
                s => new NamedUsage(s.Session.ToString(), sessions.Find(s.Session)?.Info.Title ?? "(removed)", s.Sum))]);
    }

    private static (BudgetScope Scope, Guid? Project) Which(string scope, string? project, IReadOnlyList<ProjectInfo> projects)
    {
        if (Word<BudgetScope>(scope) is not { } known)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, "A budget is for each session, for each project, or for the day.");
        }

        return known == BudgetScope.Day && project is not null
            ? throw new RequestFailure(ErrorCode.InvalidRequest, "The budget of the day is for the whole machine.")
            : (known, project is null ? null : Known(project, projects));
    }

    private static Guid Known(string project, IReadOnlyList<ProjectInfo> projects)
        => Guid.TryParseExact(project, "D", out var id) && projects.Any(p => p.ProjectId == id)
            ? id
            : throw new RequestFailure(ErrorCode.ProjectNotFound, "No such project. See: pocketcoder projects");

    /// <summary>
    /// Exactly one lower-case word; <see cref="Enum.TryParse{TEnum}(string, out TEnum)"/> would take numbers, spaces and several at once.
    /// </summary>
    private static T? Word<T>(string text)
        where T : struct, Enum
        => Enum.GetValues<T>().Where(v => JsonNamingPolicy.SnakeCaseLower.ConvertName(v.ToString()) == text).Cast<T?>().FirstOrDefault();

    private static BudgetShown Shown(BudgetEntry budget, IReadOnlyList<ProjectInfo> projects) => new(
        budget.Scope.ToString().ToLowerInvariant(),
        budget.ProjectId is { } id ? projects.FirstOrDefault(p => p.ProjectId == id)?.Name ?? id.ToString() : null,
        budget.Action.ToString().ToLowerInvariant(),
        budget.Dollars,
        budget.Tokens,
        budget.SetAt);
}

internal sealed record SecretsListRequest;

internal sealed record SecretsListResponse(IReadOnlyList<SecretName> Secrets);

internal sealed record UsageRequest;

internal sealed record BudgetsListRequest;

internal sealed record BudgetsListResponse(IReadOnlyList<BudgetShown> Budgets);

internal sealed record SecretSetRequest(string Name, string Value);

internal sealed record SecretRemoveRequest(string Name);

/// <param name="Was">False when there was nothing of that name.</param>
internal sealed record Changed(bool Was);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowDuplicateProperties = false,
    MaxDepth = 32)]
[JsonSerializable(typeof(SecretsListResponse))]
[JsonSerializable(typeof(SecretSetRequest))]
[JsonSerializable(typeof(SecretRemoveRequest))]
[JsonSerializable(typeof(SecretsListRequest))]
[JsonSerializable(typeof(UsageRequest))]
[JsonSerializable(typeof(BudgetsListRequest))]
[JsonSerializable(typeof(UsageReport))]
[JsonSerializable(typeof(BudgetsListResponse))]
[JsonSerializable(typeof(BudgetRequest))]
[JsonSerializable(typeof(BudgetSelection))]
[JsonSerializable(typeof(BudgetShown))]
[JsonSerializable(typeof(Changed))]
internal sealed partial class OwnerModelsJson : JsonSerializerContext;

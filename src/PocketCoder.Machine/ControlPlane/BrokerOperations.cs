using Microsoft.AspNetCore.Http;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>The control plane's operations on secrets, budgets and the use of models. A secret's value comes in and never goes out.</summary>
internal static class BrokerOperations
{
    private static readonly BrokerControlJson s_json = BrokerControlJson.Default;

    /// <summary>Every operation there is, as method and path.</summary>
    public static IReadOnlyList<string> All { get; } =
        ["GET /secrets", "POST /secrets", "POST /secrets/remove", "GET /usage", "GET /budgets", "POST /budgets", "POST /budgets/remove"];

    /// <summary>The operation asked for, to be run; null: none of these.</summary>
    public static Func<Task>? Find(HttpContext context, IBrokerControl target) => (context.Request.Method, context.Request.Path.Value) switch
    {
        ("GET", "/secrets") => () => ControlOperations.GiveAsync(context, target.ListSecretsAsync(context.RequestAborted), s_json.IReadOnlyListSecretName),
        ("POST", "/secrets") => () => ControlOperations.TakeAsync(context, s_json.SecretSetRequest, Set(target), s_json.Changed),
        ("POST", "/secrets/remove") => () => ControlOperations.TakeAsync(context, s_json.SecretRemoveRequest, async (r, ct) => new Changed(await target.RemoveSecretAsync(r.Name, ct)), s_json.Changed),
        ("GET", "/usage") => () => ControlOperations.GiveAsync(context, target.UsageAsync(context.RequestAborted), s_json.UsageReport),
        ("GET", "/budgets") => () => ControlOperations.GiveAsync(context, target.ListBudgetsAsync(context.RequestAborted), s_json.IReadOnlyListBudgetShown),
        ("POST", "/budgets") => () => ControlOperations.TakeAsync(context, s_json.BudgetRequest, target.SetBudgetAsync, s_json.BudgetShown),
        ("POST", "/budgets/remove") => () => ControlOperations.TakeAsync(context, s_json.BudgetSelection, async (r, ct) => new Changed(await target.RemoveBudgetAsync(r, ct)), s_json.Changed),
        _ => null,
    };

    private static Func<SecretSetRequest, CancellationToken, Task<Changed>> Set(IBrokerControl target) => async (request, ct) =>
    {
        await target.SetSecretAsync(request.Name, request.Value, ct);
        return new Changed(true);
    };
}

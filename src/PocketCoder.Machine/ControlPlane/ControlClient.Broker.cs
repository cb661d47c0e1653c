namespace PocketCoder.Machine.ControlPlane;

/// <summary>Secrets, budgets and the use of models.</summary>
public sealed partial class ControlClient
{
    private static readonly BrokerControlJson s_broker = BrokerControlJson.Default;

    public Task<IReadOnlyList<SecretName>> ListSecretsAsync(CancellationToken ct) => GetAsync("secrets", s_broker.IReadOnlyListSecretName, ct);

    /// <param name="name">1 to 64 letters, digits, <c>_ - .</c>.</param>
    public Task SetSecretAsync(string name, string value, CancellationToken ct)
        => PostAsync("secrets", new SecretSetRequest(name, value), s_broker.SecretSetRequest, s_broker.Changed, ct);

    /// <returns>False when there was none of that name.</returns>
    public async Task<bool> RemoveSecretAsync(string name, CancellationToken ct)
        => (await PostAsync("secrets/remove", new SecretRemoveRequest(name), s_broker.SecretRemoveRequest, s_broker.Changed, ct)).Was;

    public Task<UsageReport> UsageAsync(CancellationToken ct) => GetAsync("usage", s_broker.UsageReport, ct);

    public Task<IReadOnlyList<BudgetShown>> ListBudgetsAsync(CancellationToken ct) => GetAsync("budgets", s_broker.IReadOnlyListBudgetShown, ct);

    public Task<BudgetShown> SetBudgetAsync(BudgetRequest request, CancellationToken ct) => PostAsync("budgets", request, s_broker.BudgetRequest, s_broker.BudgetShown, ct);

    /// <returns>False when there was none.</returns>
    public async Task<bool> RemoveBudgetAsync(BudgetSelection selection, CancellationToken ct)
        => (await PostAsync("budgets/remove", selection, s_broker.BudgetSelection, s_broker.Changed, ct)).Was;
}

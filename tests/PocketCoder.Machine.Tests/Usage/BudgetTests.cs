using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Data.Sqlite;
using PocketCoder.Ledger;
using PocketCoder.Machine.Models;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Usage;

/// <summary>Budgets from a device: only with the scope, each with a row, and none lifts what the owner set.</summary>
public sealed class BudgetTests
{
    [Fact]
    public async Task A_device_without_manage_sees_budgets_and_changes_none()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var manager = await daemon.PairAsync();
        await using var other = await daemon.PairAsync("tablet", Scope.View, Scope.Prompt, Scope.Decide);
        await SetAsync(manager, new BudgetSetRequest(BudgetScope.Day, null, BudgetAction.Ask, 5, null));
        var before = await HeadAsync(daemon);
        foreach (var lift in (BudgetSetRequest[])[new(BudgetScope.Day, null, BudgetAction.Ask, 500, null),
            new(BudgetScope.Session, null, BudgetAction.Stop, 1, null)])
        {
            Assert.Equal(ErrorCode.Unauthorized, await RefusedAsync(() => SetAsync(other, lift)));
        }

        Assert.Equal(ErrorCode.Unauthorized, await RefusedAsync(() => RemoveAsync(other, BudgetScope.Day)));
        var budget = Assert.Single(await ListAsync(other));
        Assert.Equal((BudgetScope.Day, 5m, "phone"), (budget.Scope, budget.Dollars, budget.SetBy));
        Assert.Equal(before, await HeadAsync(daemon));
    }

    [Fact]
    public async Task What_the_owner_set_holds_beside_whatever_a_device_sets_or_removes()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var (owner, project, session) = (daemon.Daemon.AsOwner(), phone.Project.ProjectId, Guid.CreateVersion7());
        await owner.SetBudgetAsync(new BudgetSetRequest(BudgetScope.Day, null, BudgetAction.Stop, 5, null), CancellationToken.None);
        await owner.SetBudgetAsync(new BudgetSetRequest(BudgetScope.Project, null, BudgetAction.Stop, null, 1_000), CancellationToken.None);
        Assert.Equal(ErrorCode.Unauthorized, await RefusedAsync(() => RemoveAsync(phone.Device, BudgetScope.Day)));
        await SetAsync(phone.Device, new BudgetSetRequest(BudgetScope.Day, null, BudgetAction.Ask, 500, 7));
        // a project's own budget goes before the one for all only in its own layer
        await SetAsync(phone.Device, new BudgetSetRequest(BudgetScope.Project, project, BudgetAction.Ask, null, 1_000_000));
        var held = daemon.Daemon.Models.Budgets.Of(session, project);
        Assert.Equal(
            ["Day False Stop 5 ", "Day True Ask 500 7", "Project False Stop  1000", "Project True Ask  1000000"],
            held.Select(b => FormattableString.Invariant($"{b.Scope} {b.OfDevice} {b.Action} {b.Dollars} {b.Tokens}"))
                .Order(StringComparer.Ordinal));

        // a yes beyond a device's budget is none beyond the owner's
        daemon.Daemon.Models.Budgets.Extend(session, held.First(b => b.OfDevice && b.Scope == BudgetScope.Day));
        held = daemon.Daemon.Models.Budgets.Of(session, project);
        Assert.Equal((5m, 1_000m), (held.First(b => !b.OfDevice && b.Scope == BudgetScope.Day).Dollars,
            held.First(b => b.OfDevice && b.Scope == BudgetScope.Day).Dollars));

        Assert.True(await RemoveAsync(phone.Device, BudgetScope.Day));
        Assert.Equal(ErrorCode.Unauthorized, await RefusedAsync(() => RemoveAsync(phone.Device, BudgetScope.Day)));
        Assert.Equal(["Day", "Project", "Project"], (await ListAsync(phone.Device)).Select(b => b.Scope.ToString()));
        await daemon.RestartAsync();
        Assert.Equal(
            ["Day ", "Project ", "Project phone"],
            (await daemon.Daemon.AsOwner().ListBudgetsAsync(CancellationToken.None)).Select(b => $"{b.Scope} {b.SetBy}")
                .Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task The_owners_word_replaces_and_removes_what_devices_set_and_every_change_is_a_row()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PairAsync();
        var owner = daemon.Daemon.AsOwner();
        await SetAsync(phone, new BudgetSetRequest(BudgetScope.Session, null, BudgetAction.Stop, 5, null));
        await SetAsync(phone, new BudgetSetRequest(BudgetScope.Session, null, BudgetAction.Ask, 6, null));
        await owner.SetBudgetAsync(new BudgetSetRequest(BudgetScope.Session, null, BudgetAction.Stop, 50, null), CancellationToken.None);
        Assert.Null(Assert.Single(await ListAsync(phone)).SetBy);
        await SetAsync(phone, new BudgetSetRequest(BudgetScope.Session, null, BudgetAction.Stop, 7, null));
        Assert.True(await owner.RemoveBudgetAsync(new BudgetRemoveRequest(BudgetScope.Session, null), CancellationToken.None));
        Assert.Empty(await ListAsync(phone));
        Assert.False(await RemoveAsync(phone, BudgetScope.Session));

        var rows = await owner.ListLedgerAsync(new LedgerListRequest(Limit: 200), CancellationToken.None);
        var changes = rows.Rows.Reverse().Select(r => JsonDocument.Parse(r.Body).RootElement)
            .Where(r => r.GetProperty("kind").GetString() == LedgerKind.ConfigurationChanged).ToList();
        var device = phone.Hello.DeviceId;
        Assert.Equal(
            [
                $"session, by devices set | $5.00, then stop | {device}",
                $"session, by devices set $5.00, then stop | $6.00, then ask | {device}",
                "session, by devices removed $6.00, then ask |  | ",
                "session set | $50.00, then stop | ",
                $"session, by devices set | $7.00, then stop | {device}",
                "session, by devices removed $7.00, then stop |  | ",
                "session removed $50.00, then stop |  | ",
            ],
            changes.Select(r => (Data: r.GetProperty("data"), Device: Text(r, "deviceId"))).Select(
                r => $"{Text(r.Data, "name")} {Text(r.Data, "action")} {Text(r.Data, "old")}".TrimEnd()
                    + $" | {Text(r.Data, "value")} | {r.Device}"));
    }

    [Fact]
    public async Task What_is_no_budget_is_refused_and_changes_nothing()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var (project, before) = (phone.Project.ProjectId, await HeadAsync(daemon));
        foreach (var (wrong, code) in ((BudgetSetRequest, ErrorCode)[])
        [
            (new(BudgetScope.Day, null, BudgetAction.Stop, null, null), ErrorCode.InvalidRequest),
            (new(BudgetScope.Day, null, BudgetAction.Stop, 0, null), ErrorCode.InvalidRequest),
            (new(BudgetScope.Day, null, BudgetAction.Stop, -1, 5), ErrorCode.InvalidRequest),
            (new(BudgetScope.Day, null, BudgetAction.Stop, 1_000_001, null), ErrorCode.InvalidRequest),
            (new(BudgetScope.Day, null, BudgetAction.Stop, null, 0), ErrorCode.InvalidRequest),
            (new(BudgetScope.Day, null, BudgetAction.Stop, 5, long.MaxValue), ErrorCode.InvalidRequest),
            (new(BudgetScope.Day, project, BudgetAction.Stop, 5, null), ErrorCode.InvalidRequest),
            (new(BudgetScope.Project, Guid.CreateVersion7(), BudgetAction.Stop, 5, null), ErrorCode.ProjectNotFound),
        ])
        {
            Assert.Equal(code, await RefusedAsync(() => SetAsync(phone.Device, wrong)));
        }

        foreach (var (scope, action, dollars, tokens) in (IReadOnlyList<(string, string, string, string)>)
        [
            ("\"week\"", "\"stop\"", "5", "null"), ("2", "\"stop\"", "5", "null"), ("\"day\"", "\"go\"", "5", "null"),
            ("\"day\"", "\"stop\"", "\"5\"", "null"), ("\"day\"", "\"stop\"", "1e400", "null"), ("\"day\"", "\"stop\"", "5", "1.5"),
        ])
        {
            using var asked = JsonDocument.Parse(
                $$"""{"scope":{{scope}},"projectId":null,"action":{{action}},"dollars":{{dollars}},"tokens":{{tokens}}}""");
            Assert.Equal(
                ErrorCode.InvalidRequest, await RefusedAsync(() => phone.Device.AskRawAsync(MessageTypes.BudgetSet, asked.RootElement)));
        }

        Assert.Empty(await ListAsync(phone.Device));
        Assert.Equal(before, await HeadAsync(daemon));

        // the smallest there is can be listed, also when something was used
        UsageTests.Use(daemon, Guid.CreateVersion7(), project, "2026-01-01", 5_000_000_000);
        await daemon.RestartAsync();
        await using var back = await phone.Device.AgainAsync(daemon.Url);
        await SetAsync(back, new BudgetSetRequest(BudgetScope.Project, null, BudgetAction.Stop, 0.0000000000000000000000000001m, 1));
        Assert.Equal(project, Assert.Single(await ListAsync(back)).Use!.Id);
    }

    [Fact]
    public async Task How_much_is_used_is_told_by_the_day_the_project_and_the_nearest_session()
    {
        await using var daemon = await TestDaemon.StartAsync(new ManualTime()); // no midnight passes
        await using var phone = await daemon.PhoneAsync();
        var (small, large) = (await phone.StartAsync("one"), await phone.StartAsync("two"));
        var (project, today) = (phone.Project.ProjectId, (await UsageTests.GetAsync(phone.Device, 1)).Today);
        UsageTests.Use(daemon, small, project, today, 10);
        UsageTests.Use(daemon, large, project, today, 20);
        UsageTests.Use(daemon, Guid.CreateVersion7(), project, "2020-01-01", 1_000); // its session was deleted
        await daemon.RestartAsync();
        await using var back = await phone.Device.AgainAsync(daemon.Url);
        foreach (var scope in Enum.GetValues<BudgetScope>())
        {
            await SetAsync(back, new BudgetSetRequest(scope, null, BudgetAction.Ask, null, 100));
        }

        // one token of input is ten in all: see Use
        Assert.Equal(
            [$"Day  300", $"Project {project} 10300", $"Session {large} 200"],
            (await ListAsync(back)).Select(b => $"{b.Scope} {b.Use!.Id} {b.Use.Tokens}").Order(StringComparer.Ordinal));
        await SetAsync(back, new BudgetSetRequest(BudgetScope.Session, project, BudgetAction.Ask, null, 100));
        Assert.Null((await ListAsync(back)).First(b => b.Scope == BudgetScope.Session && b.ProjectId is null).Use);
    }

    [Fact]
    public async Task What_the_owner_set_before_devices_could_is_still_the_owners()
    {
        await using var daemon = await TestDaemon.StartAsync(); // finds the machine's SQLite
        using var database = new SqliteConnection("Data Source=:memory:");
        database.Open();
        Run(database, Script("0001_models"));
        Run(database, "INSERT INTO model_budgets VALUES ('Day', '', 'Ask', '2.50', NULL, '2026-01-01')");
        Run(database, Script("0002_budgets_of_devices"));
        using var command = database.CreateCommand();
        command.CommandText =
            "SELECT of_device || '|' || scope || '|' || action || '|' || dollars || '|' || (set_by IS NULL) FROM budgets";
        Assert.Equal("0|Day|Ask|2.50|1", command.ExecuteScalar());
    }

    private static async Task<BudgetInfo> SetAsync(TestDevice device, BudgetSetRequest request)
        => (await AskAsync<BudgetSetRequest, BudgetSetResponse>(device, MessageTypes.BudgetSet, request)).Budget;

    private static async Task<bool> RemoveAsync(TestDevice device, BudgetScope scope)
        => (await AskAsync<BudgetRemoveRequest, BudgetRemoveResponse>(
            device, MessageTypes.BudgetRemove, new BudgetRemoveRequest(scope, null))).Was;

    private static async Task<IReadOnlyList<BudgetInfo>> ListAsync(TestDevice device)
        => (await AskAsync<BudgetsListRequest, BudgetsListResponse>(device, MessageTypes.BudgetsList, new BudgetsListRequest())).Budgets;

    private static async Task<long> HeadAsync(TestDaemon daemon)
        => (await daemon.Daemon.AsOwner().ListLedgerAsync(new LedgerListRequest(), CancellationToken.None)).Rows.Max(r => r.Seq);

    private static async Task<ErrorCode> RefusedAsync(Func<Task> ask) => (await Assert.ThrowsAsync<WireErrorException>(ask)).Error.Code;

    private static string Text(JsonElement of, string name)
        => of.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";

    private static void Run(SqliteConnection database, string sql)
    {
        using var command = database.CreateCommand();
#pragma warning disable CA2100 // the program's own scripts
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }

    private static string Script(string name)
    {
        using var reader = new StreamReader(
            typeof(BudgetBook).Assembly.GetManifestResourceStream($"PocketCoder.Machine.Models.Migrations.{name}.sql")!);
        return reader.ReadToEnd();
    }

    private static Task<TResponse> AskAsync<TRequest, TResponse>(TestDevice device, string type, TRequest request) => device.AskAsync(
        type, request, (JsonTypeInfo<TRequest>)ProtocolJson.Default.GetTypeInfo(typeof(TRequest))!,
        (JsonTypeInfo<TResponse>)ProtocolJson.Default.GetTypeInfo(typeof(TResponse))!);
}

using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Routing;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.ControlPlane.Loopback;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;
using PocketCoder.Testing.Devices;
using Route = PocketCoder.Machine.Routing.Route;

namespace PocketCoder.Machine.Tests.Routing;

/// <summary>
/// Every row of the table against everybody who could ask: each set of scopes that a device can have, and the owner. What may pass is what
/// the row declares, and nothing else.
/// </summary>
public sealed class AuthorisationTests
{
    private static readonly JsonElement s_wrong = JsonDocument.Parse("[]").RootElement;

    /// <summary>
    /// What the owner may ask. A row that becomes the owner's, or ceases to be, must be changed here too: so that it is a decision and not
    /// an accident.
    /// </summary>
    private static readonly string[] s_shared =
    [
        MessageTypes.AgentCancel, MessageTypes.AgentConversations, MessageTypes.AgentPromptResponse, MessageTypes.AgentSessionSet,
        MessageTypes.AgentSessionsList, MessageTypes.BudgetRemove, MessageTypes.ChatPairingOffer,
        MessageTypes.BudgetSet, MessageTypes.BudgetsList,
        MessageTypes.CommandCancel,
        MessageTypes.CommandExec, MessageTypes.CommandPolicyGet, MessageTypes.CommandPolicySet, MessageTypes.CommandRunsList,
        MessageTypes.DeviceRename, MessageTypes.DeviceRevoke,
        MessageTypes.DevicesList, MessageTypes.ExecutionOutput, MessageTypes.JobStop, MessageTypes.JobsList, MessageTypes.LedgerHead,
        MessageTypes.LedgerList, MessageTypes.LedgerVerify,
        MessageTypes.NetworkRuleRemove, MessageTypes.NetworkRulesList, MessageTypes.ProjectDefaultsGet, MessageTypes.ProjectDefaultsSet,
        MessageTypes.ProjectAdd, MessageTypes.ProjectRemove, MessageTypes.ProjectRename, MessageTypes.ProjectsList,
        MessageTypes.SnapshotDiff,
        MessageTypes.SnapshotUndo, MessageTypes.TerminalClose, MessageTypes.TerminalList, MessageTypes.TerminalOpen,
        MessageTypes.UsageGet,
    ];

    /// <summary>What only the owner may ask, whatever the scopes of a device.</summary>
    private static readonly string[] s_owners =
    [
        "command_wait", "device_limit", "entry_set", "entry_status", "entry_test", "execution_find", "ledger_accept", "link_login", "link_logout", "link_remove", "link_set",
        "machine_label_get",
        "machine_label_set", "machine_register", "machine_stop",
        "network_rule_add", "notify_list", "notify_remove", "notify_set", "notify_test", "owner_status", "owner_watching", "pairing_get", "pairing_offer", "project_root_add", "project_root_remove",
        "project_roots_list",
        "provider_remove", "provider_set", "provider_test", "providers_list", "secret_remove", "secret_set", "secrets_list",
        "session_hold", "session_prompt", "session_release", "session_resume", "session_start", "two_person_get", "two_person_set", "undo_find",
    ];

    [Fact]
    public async Task Each_row_answers_whom_it_declares_and_refuses_everybody_else()
    {
        await using var daemon = await TestDaemon.StartAsync();
        var table = daemon.Daemon.Table;
        var scopes = Enum.GetValues<Scope>();
        var sets = Enumerable.Range(0, 1 << scopes.Length).Select(bits => scopes.Where((_, i) => (bits & (1 << i)) != 0).ToList()).ToList();
        Assert.Equal(16, sets.Count);
        Assert.True(table.Routes.Count > 100);
        foreach (var route in table.Routes)
        {
            foreach (var set in sets)
            {
                var device = new DeviceCaller(
                    new Device("device", "phone", "app", [], [], set, DateTimeOffset.UnixEpoch, null, null), null!);
                ErrorCode? refused = route.Scope is not { } needed ? ErrorCode.InvalidRequest : set.Contains(needed) ? null
                    : ErrorCode.Unauthorized;
                await HoldAsync(table, route, device, refused, $"{route.Type} for a device with {string.Join(' ', set)}");
            }

            await HoldAsync(table, route, new OwnerCaller(), route.ForOwner ? null : ErrorCode.VersionUnsupported,
                $"{route.Type} for the owner");
        }
    }

    [Fact]
    public async Task Which_rows_are_the_owners_is_a_decision()
    {
        await using var daemon = await TestDaemon.StartAsync();
        var routes = daemon.Daemon.Table.Routes;
        Assert.Equal(s_shared.Order(StringComparer.Ordinal),
            routes.Where(r => r.ForOwner && r.Scope is not null).Select(r => r.Type).Order(StringComparer.Ordinal));
        Assert.Equal(s_owners.Order(StringComparer.Ordinal),
            routes.Where(r => r.Scope is null).Select(r => r.Type).Order(StringComparer.Ordinal));
        Assert.Empty(s_owners.Intersect(MessageTypes.Requests, StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_device_with_every_scope_gets_no_answer_from_an_owners_row_and_is_told_what_a_wrong_name_is_told()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PairAsync("phone", Scope.View, Scope.Prompt, Scope.Decide, Scope.Manage);
        using var empty = JsonDocument.Parse("{}");
        foreach (var type in s_owners.Append("no_such_message"))
        {
            var refused = await Assert.ThrowsAsync<WireErrorException>(() => phone.AskRawAsync(type, empty.RootElement));
            Assert.Equal((ErrorCode.InvalidRequest, $"There is no message '{type}'."), (refused.Error.Code, refused.Error.Message));
        }

        Assert.False(daemon.Daemon.StopRequested.IsCompleted);
    }

    [Fact]
    public async Task Every_route_of_the_control_plane_says_on_which_listener_it_is()
    {
        await using var daemon = await TestDaemon.StartAsync();
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        await using var app = builder.Build();
        app.MapOwner(daemon.Daemon.Owner, daemon.Daemon.OwnerStreams);
        app.MapLoopback(daemon.Daemon.Owner);
        var endpoints = ((IEndpointRouteBuilder)app).DataSources.SelectMany(s => s.Endpoints).Cast<RouteEndpoint>().ToList();
        Assert.Equal(
            ["/ledger/export", "/sessions/follow", "/terminals/attach", "/v1/{type}"],
            endpoints.Where(e => e.Metadata.GetMetadata<Listeners>() is { Socket: true, Port: false }).Select(e => e.RoutePattern.RawText)
                .Order(StringComparer.Ordinal));
        Assert.Equal(
            ["/machine-label", "/machine-label", "/projects", "/projects", "/projects/{**project}", "/re-register", "/status"],
            endpoints.Where(e => e.Metadata.GetMetadata<Listeners>() is { Socket: false, Port: true }).Select(e => e.RoutePattern.RawText)
                .Order(StringComparer.Ordinal));
        Assert.Equal(11, endpoints.Count);
    }

    /// <summary>A payload that no row takes: who may ask is told that, and who may not is told that before.</summary>
    private static async Task HoldAsync(MessageTable table, Route route, Caller caller, ErrorCode? refused, string what)
    {
        var found = table.TryFind(route.Type, caller, out var row, out var refusal);
        Assert.True(found == (refused is null), what);
        Assert.True(found ? ReferenceEquals(row, route) : refusal!.Code == refused, what);
        var failure = await Assert.ThrowsAsync<RequestFailure>(() => route.Answer(caller, s_wrong, CancellationToken.None));
        Assert.True(failure.Error.Code == (refused ?? ErrorCode.InvalidRequest), what);
        Assert.True(failure.Error.Message.StartsWith("The payload of", StringComparison.Ordinal) == (refused is null), what);
    }
}

using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using PocketCoder.Broker.Egress;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;
using PocketCoder.Testing;

namespace PocketCoder.Machine.Tests.Network;

/// <summary>A real sandbox whose only way out is the proxy, and a person who decides on hosts.</summary>
public sealed class NetworkTests : IAsyncDisposable
{
    private readonly Origin _origin = new();

    /// <summary>Asks the proxy inside for a page, with nothing but bash: prints the answer's first line and its last.</summary>
    private string Get(string host)
        => $"exec 3<>/dev/tcp/127.0.0.1/3128; printf 'GET http://{host}:{_origin.Port}/ HTTP/1.1\\r\\nHost: {host}:{_origin.Port}\\r\\nConnection: close\\r\\n\\r\\n' >&3; sed -n '1p;$p' <&3; exec 3>&-";

    [Fact]
    public async Task A_host_that_is_not_known_waits_for_a_person_and_each_step_stands_in_the_ledger()
    {
        await using var daemon = await StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync($"run: {Get("one.test")}", SandboxKind.Bubblewrap);
        var command = await phone.AskedAsync();
        await phone.Device.DecideAsync(command, DecisionVerdict.Allow);

        var asked = await phone.AskedAsync();
        Assert.Equal(ApprovalKind.Network, asked.Kind);
        var subject = Assert.IsType<NetworkSubject>(asked.Subject);
        Assert.Equal(("one.test", _origin.Port, "GET"), (subject.Host, subject.Port, subject.Method));
        Assert.Equal([Get("one.test")], subject.Commands);
        Assert.Equal(0, _origin.Requests);
        await Wait.UntilAsync(async () => (await phone.GetAsync(session)).Session.State == SessionState.NeedsYou,
            "the session needs a person");

        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        var result = await phone.Device.NextEventAsync<ToolResultEvent>();
        Assert.Equal("HTTP/1.1 200 OK\r\nhello from outside\n", result.Output);
        Assert.Equal(TurnState.Completed, (await phone.DoneAsync()).Outcome);
        Assert.Equal(["approval_requested", "approval_decided"], await phone.LedgerAsync(asked.ApprovalId));

        // What was allowed once is over with the command: the next one asks again.
        await phone.PromptAsync(session, $"run: {Get("one.test")}");
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow);
        var again = await phone.AskedAsync();
        Assert.Equal(ApprovalKind.Network, again.Kind);
        await phone.Device.DecideAsync(again, DecisionVerdict.Deny, reason: "not now");
        result = await phone.Device.NextEventAsync<ToolResultEvent>();
        Assert.Contains("403 Forbidden", result.Output, StringComparison.Ordinal);
        Assert.Contains("not now", result.Output, StringComparison.Ordinal);
        Assert.Equal(1, _origin.Requests);

        var used = await UsedAsync(phone, 2);
        Assert.Equal(("one.test", "done", "bubblewrap"), (used[0].Host, used[0].Outcome, used[0].Sandbox));
        Assert.True(used[0].Down > 20);
        Assert.Equal(("one.test", "refused", 0L), (used[1].Host, used[1].Outcome, used[1].Down));
        Assert.True((await phone.VerifyAsync()).Intact);
    }

    [Theory]
    [InlineData(DecisionScope.Turn, true)]
    [InlineData(DecisionScope.Session, false)]
    public async Task What_was_allowed_for_longer_is_not_asked_again_and_ends_when_it_should(DecisionScope scope, bool asksInTheNextTurn)
    {
        await using var daemon = await StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync($"run: {Get("one.test")}; {Get("one.test")}", SandboxKind.Bubblewrap);
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow);
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow, scope);
        Assert.Equal(2, (await phone.Device.NextEventAsync<ToolResultEvent>()).Output.Split("hello").Length - 1);
        await phone.DoneAsync();

        await phone.PromptAsync(session, $"run: {Get("one.test")}");
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow);
        if (asksInTheNextTurn)
        {
            var asked = await phone.AskedAsync();
            Assert.Equal(ApprovalKind.Network, asked.Kind);
            await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        }

        Assert.Contains("hello", (await phone.Device.NextEventAsync<ToolResultEvent>()).Output, StringComparison.Ordinal);
        await phone.DoneAsync();

        // Another host is another question, whatever was allowed.
        await phone.PromptAsync(session, $"run: {Get("two.test")}");
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow);
        Assert.Equal("two.test", Assert.IsType<NetworkSubject>((await phone.AskedAsync()).Subject).Host);
    }

    [Fact]
    public async Task A_rule_of_the_project_lets_later_sessions_through_until_it_is_removed()
    {
        await using var daemon = await StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await phone.StartAsync($"run: {Get("one.test")}", SandboxKind.Bubblewrap);
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow);
        var asked = await phone.AskedAsync();
        await Assert.ThrowsAsync<PocketCoder.Testing.Devices.WireErrorException>(
            () => phone.Device.DecideAsync(asked, DecisionVerdict.Allow, DecisionScope.Project, answers: "0"));
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow, DecisionScope.Project, answers: "7");
        Assert.Contains("hello", (await phone.Device.NextEventAsync<ToolResultEvent>()).Output, StringComparison.Ordinal);
        await phone.DoneAsync();

        var rules = (await phone.Device.AskAsync(
            MessageTypes.NetworkRulesList, new NetworkRulesListRequest(phone.Project.ProjectId),
            ProtocolJson.Default.NetworkRulesListRequest, ProtocolJson.Default.NetworkRulesListResponse)).Rules;
        var rule = Assert.Single(rules);
        Assert.Equal(($"one.test:{_origin.Port}", "phone"), (rule.Pattern, rule.By));
        Assert.Equal(7, (rule.ExpiresAt!.Value - rule.CreatedAt).TotalDays, 3);

        await phone.StartAsync($"run: {Get("one.test")}", SandboxKind.Bubblewrap);
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow);
        Assert.Contains("hello", (await phone.Device.NextEventAsync<ToolResultEvent>()).Output, StringComparison.Ordinal);
        await phone.DoneAsync();

        await phone.Device.AskAsync(MessageTypes.NetworkRuleRemove, new NetworkRuleRemoveRequest(rule.RuleId),
            ProtocolJson.Default.NetworkRuleRemoveRequest, ProtocolJson.Default.NetworkRuleRemoveResponse);
        await phone.StartAsync($"run: {Get("one.test")}", SandboxKind.Bubblewrap);
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow);
        Assert.Equal(ApprovalKind.Network, (await phone.AskedAsync()).Kind);
    }

    [Fact]
    public async Task A_command_that_stops_waiting_takes_its_question_with_it_and_stopping_refuses_what_waits()
    {
        await using var daemon = await StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var ask = $"exec 3<>/dev/tcp/127.0.0.1/3128; printf 'GET http://one.test:{_origin.Port}/ HTTP/1.1\\r\\nHost: one.test:{_origin.Port}\\r\\n\\r\\n' >&3";
        var session = await phone.StartAsync(
            $"run: {ask}; until [ -e go ]; do sleep 0.05; done; exec 3>&-; {Get("two.test")}", SandboxKind.Bubblewrap);
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow);
        Assert.Equal("one.test", Assert.IsType<NetworkSubject>((await phone.AskedAsync()).Subject).Host);
        await File.WriteAllTextAsync(phone.PathOf("go"), "");
        // The one goes and the other comes, in either order: they are two connections.
        ApprovalInfo? gone = null, second = null;
        while (gone is null || second is null)
        {
            var told = (await phone.Device.NextEventAsync<ApprovalEvent>(
                e => e.Approval is { Kind: ApprovalKind.Network, State: ApprovalState.Withdrawn or ApprovalState.Pending })).Approval;
            (gone, second) = told.State == ApprovalState.Withdrawn ? (told, second) : (gone, told);
        }

        Assert.Equal("one.test", ((NetworkSubject)gone.Subject).Host);
        Assert.Equal("two.test", ((NetworkSubject)second.Subject).Host);
        await phone.CancelAsync(session);
        await phone.DoneAsync();
        Assert.Equal(["approval_requested", "approval_expired"], await phone.LedgerAsync(second.ApprovalId));
        Assert.Equal(0, _origin.Requests);
    }

    [Fact]
    public async Task Private_addresses_and_bare_addresses_are_refused_whatever_a_person_allows()
    {
        // As in real life: nothing on this machine or its network is within reach, allowed or not.
        await using var daemon = await TestDaemon.StartAsync(
            egress: options => options with { Resolve = (_, _) => ValueTask.FromResult<IReadOnlyList<IPAddress>>([IPAddress.Loopback]) });
        await using var phone = await daemon.PhoneAsync();
        await phone.StartAsync($"run: {Get("127.0.0.1")}; {Get("one.test")}", SandboxKind.Bubblewrap);
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow);
        var asked = await phone.AskedAsync();
        Assert.Equal("one.test", Assert.IsType<NetworkSubject>(asked.Subject).Host);
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        var output = (await phone.Device.NextEventAsync<ToolResultEvent>()).Output;
        Assert.Contains("400 Bad Request", output, StringComparison.Ordinal);
        Assert.Contains("which is not a public address", output, StringComparison.Ordinal);
        Assert.Equal(0, _origin.Requests);
    }

    [Fact]
    public async Task A_program_that_guesses_many_hosts_does_not_flood_the_inbox()
    {
        await using var daemon = await StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await phone.StartAsync(
            $"run: for i in 1 2 3 4 5 6 7 8; do ({Get("h$i.test").Replace("'", "\"", StringComparison.Ordinal)}) & done; wait",
            SandboxKind.Bubblewrap);
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow);
        for (var i = 0; i < 5; i++)
        {
            var asked = await phone.AskedAsync();
            Assert.Equal(ApprovalKind.Network, asked.Kind);
            if (i == 4)
            {
                await UsedAsync(phone, 3); // the other three were refused at once
            }
        }
    }

    [Fact]
    public async Task A_session_that_does_not_choose_is_sandboxed_and_where_none_works_it_is_refused()
    {
        await using var daemon = await TestDaemon.StartAsync(sandbox: null);
        await daemon.Daemon.SandboxesKnown;
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("run: echo hi");
        Assert.Equal(SandboxKind.Bubblewrap, (await phone.AskedAsync()).Sandbox);
        Assert.Equal(SandboxKind.Bubblewrap, (await phone.GetAsync(session)).Session.Sandbox);

        await using var poor = await TestDaemon.StartAsync(sandbox: SandboxKind.Docker);
        await using var other = await poor.PhoneAsync();
        var refused = await Assert.ThrowsAsync<PocketCoder.Testing.Devices.WireErrorException>(() => other.StartAsync("run: echo hi"));
        Assert.Contains("no sandbox", refused.Message, StringComparison.OrdinalIgnoreCase);
        var below = await Assert.ThrowsAsync<PocketCoder.Testing.Devices.WireErrorException>(
            () => other.StartAsync("run: echo hi", SandboxKind.None));
        Assert.Equal(ErrorCode.Unauthorized, below.Error.Code); // the owner started it with a sandbox: no device takes that away
        var taken = await poor.Daemon.AsOwner().Sessions.StartAsync(
            new SessionStartRequest(Guid.CreateVersion7(), Guid.CreateVersion7(), "", "stub", "run: echo hi", null, null, SandboxKind.None),
            other.Project.ProjectId, CancellationToken.None);
        Assert.Equal(SandboxKind.None, taken.Session.Sandbox);
        Assert.Contains((await poor.Daemon.AsOwner().StatusAsync(CancellationToken.None)).Warnings,
            w => w.Contains("No sandbox works", StringComparison.Ordinal));
    }

    public ValueTask DisposeAsync() => _origin.DisposeAsync();

    private Task<TestDaemon> StartAsync() => TestDaemon.StartAsync(egress: options => options with
    {
        Resolve = (_, _) => ValueTask.FromResult<IReadOnlyList<IPAddress>>([IPAddress.Loopback]),
        AllowedLoopback = [new IPEndPoint(IPAddress.Loopback, _origin.Port)],
    });

    private static async Task<IReadOnlyList<(string Host, string Outcome, long Down, string Sandbox)>> UsedAsync(
        Phone phone, int connections)
    {
        IReadOnlyList<(string, string, long, string)> found = [];
        await Wait.UntilAsync(
            async () =>
            {
                var rows = await phone.Device.AskAsync(MessageTypes.LedgerList, new LedgerListRequest(Limit: 200),
                    ProtocolJson.Default.LedgerListRequest, ProtocolJson.Default.LedgerListResponse);
                var used = rows.Rows.Reverse().Select(r => JsonDocument.Parse(r.Body).RootElement)
                    .Where(r => r.GetProperty("kind").GetString() == "network_used").ToList();
                found = [.. used.Select(r => (Data(r, "host").GetString()!, Data(r, "outcome").GetString()!,
                    Data(r, "bytesDown").GetInt64(), r.GetProperty("sandbox").GetString()!))];
                return used.Sum(r => Data(r, "connections").GetInt32()) >= connections;
            },
            "the connections in the ledger");
        return found;

        static JsonElement Data(JsonElement row, string name) => row.GetProperty("data").GetProperty(name);
    }

    /// <summary>A web server outside.</summary>
    private sealed class Origin : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly Task _serving;
        private int _requests;

        public Origin()
        {
            _listener.Start();
            _serving = ServeAsync();
        }

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        public int Requests => Volatile.Read(ref _requests);

        public async ValueTask DisposeAsync()
        {
            _listener.Dispose();
            await _serving;
        }

        private async Task ServeAsync()
        {
            while (true)
            {
                try
                {
                    using var client = await _listener.AcceptTcpClientAsync();
                    Interlocked.Increment(ref _requests);
                    var buffer = new byte[4096];
                    _ = await client.GetStream().ReadAsync(buffer);
                    await client.GetStream().WriteAsync(
                        Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\nContent-Length: 19\r\nConnection: close\r\n\r\nhello from outside\n"));
                }
                catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
                {
                    return;
                }
                catch (IOException)
                {
                    // The proxy cut it.
                }
            }
        }
    }
}

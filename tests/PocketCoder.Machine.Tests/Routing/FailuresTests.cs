using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using PocketCoder.Agents;
using PocketCoder.Broker.Secrets;
using PocketCoder.Git;
using PocketCoder.Sandboxes;
using PocketCoder.Ledger;
using PocketCoder.Machine.Connections;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Paths;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;
using PocketCoder.Testing.Devices;
using PocketCoder.Workspace;

namespace PocketCoder.Machine.Tests.Routing;

public sealed class FailuresTests
{
    private static readonly Verb<PingRequest, PingResponse> s_fails = new(
        "fails", () => ProtocolJson.Default.PingRequest, () => ProtocolJson.Default.PingResponse);

    private const string Secret = "/home/somebody/.ssh/id_ed25519";

    public static TheoryData<Exception, ErrorCode> Expected => new()
    {
        { new AgentException(AgentError.NotInstalled, "install it"), ErrorCode.AgentNotInstalled },
        { new AgentException(AgentError.OpenElsewhere, "close it there"), ErrorCode.SessionOpenElsewhere },
        { new AgentException(AgentError.Refused, "it has no such effort"), ErrorCode.AgentError },
        { new AgentException(AgentError.FailedToStart, "it ended at once"), ErrorCode.AgentError },
        { new SandboxException(SandboxError.Unsupported, "only bubblewrap has that"), ErrorCode.SandboxUnavailable },
        { new LedgerException(LedgerError.DiskFull, "no space"), ErrorCode.Unavailable },
        { new LedgerException(LedgerError.Closed, "closed"), ErrorCode.Unavailable },
        { new LedgerException(LedgerError.Io, "the disk is gone"), ErrorCode.Unavailable },
        { new LedgerException(LedgerError.Busy, "another writes"), ErrorCode.Unavailable },
        { new LedgerException(LedgerError.ReadOnly, "read only"), ErrorCode.Unavailable },
        { new LedgerException(LedgerError.Distrusted, "not the one that was signed"), ErrorCode.LedgerDistrusted },
        { new RequestFailure(ErrorCode.Conflict, "a turn runs"), ErrorCode.Conflict },
        { new WorkspaceException(ErrorCode.OutsideProjectRoot, "outside"), ErrorCode.OutsideProjectRoot },
        { new GitException(GitError.AuthRequired, "who are you"), ErrorCode.GitAuthRequired },
        { new GitException(GitError.MergeConflict, "both changed it"), ErrorCode.GitConflict },
        { new SecretException(SecretError.NameInvalid, "no such name"), ErrorCode.InvalidRequest },
        { new LinkCircleException("a circle of links"), ErrorCode.InvalidRequest },
    };

    [Theory]
    [MemberData(nameof(Expected), DisableDiscoveryEnumeration = true)]
    public async Task What_can_be_expected_has_a_code_for_devices_and_the_same_one_for_the_owner(Exception failure, ErrorCode code)
    {
        Assert.True(Failures.IsExpected(failure));
        var told = Failures.ToWire(failure);
        Assert.Equal(code, told.Code);
        Assert.NotEmpty(told.Message);

        // The road of a device, of the control socket, and of the control port: the same code, and the same words.
        var table = new MessageTable().MapShared(s_fails, Scope.View, (_, _, _) => throw failure);
        var owner = await new OwnerRequests(table, NullLogger.Instance).AnswerAsync("fails", null, CancellationToken.None);
        Assert.Equal((code, told.Message), (owner.Error!.Code, owner.Error.Message));
        (ErrorCode Code, string Message)? overHttp = null;
        await ControlServer.GuardedAsync(
            new DefaultHttpContext(), () => throw failure, (c, _, m) => Task.FromResult(overHttp = (c, m)), NullLogger.Instance);
        Assert.Equal((code, told.Message), overHttp);
    }

    [Fact]
    public async Task A_device_is_told_the_same_code_and_words_over_its_connection_and_stays_connected()
    {
        await using var daemon = await TestDaemon.StartAsync();
        var cases = Expected.Select(row => row.Data).Append((new InvalidOperationException(Secret), ErrorCode.UnknownError)).ToList();
        var next = 0;
        daemon.Daemon.Table.Map(
            s_fails, Scope.View,
            (DeviceCaller _, PingRequest _, CancellationToken _) => Task.FromException<PingResponse>(cases[next].Item1));
        await using var phone = await daemon.PhoneAsync();

        for (; next < cases.Count; next++)
        {
            var (failure, code) = cases[next];
            var told = await Assert.ThrowsAsync<WireErrorException>(
                () => phone.Device.AskAsync(s_fails.Type, new PingRequest(), s_fails.Request(), s_fails.Response()));
            Assert.Equal((code, Failures.ToWire(failure).Message), (told.Error.Code, told.Error.Message));
        }

        await phone.Device.AskAsync(
            MessageTypes.Ping, new PingRequest(), ProtocolJson.Default.PingRequest, ProtocolJson.Default.PingResponse);
    }

    [Fact]
    public async Task What_nobody_expects_says_nothing_of_itself()
    {
        foreach (var bug in (Exception[])[new InvalidOperationException(Secret), new LedgerException(LedgerError.Locked, Secret),
            new IOException(Secret)])
        {
            Assert.False(Failures.IsExpected(bug));
            Assert.Equal(ErrorCode.UnknownError, Failures.ToWire(bug).Code);
            Assert.DoesNotContain(Secret, Failures.ToWire(bug).Message, StringComparison.Ordinal);
            var table = new MessageTable().MapShared(s_fails, Scope.View, (_, _, _) => throw bug);
            var owner = await new OwnerRequests(table, NullLogger.Instance).AnswerAsync("fails", null, CancellationToken.None);
            Assert.Equal(ErrorCode.UnknownError, owner.Error!.Code);
            Assert.DoesNotContain(Secret, owner.Error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task More_pairing_links_than_fit_are_refused_and_those_that_are_open_stay()
    {
        await using var daemon = await TestDaemon.StartAsync();
        var links = new List<string>();
        for (var i = 0; i < 8; i++)
        {
            links.Add(await daemon.LinkAsync());
        }

        var refused = await Assert.ThrowsAsync<ControlException>(() => daemon.LinkAsync());
        Assert.Equal((ErrorCode.RateLimited, "8 pairing links are open already. Use one of them, or wait until they expire."),
            (refused.Code, refused.Message));
        await using var phone = await TestDevice.PairAsync(links[^1], "phone");
        Assert.NotEmpty(await daemon.LinkAsync()); // one was used up
    }
}

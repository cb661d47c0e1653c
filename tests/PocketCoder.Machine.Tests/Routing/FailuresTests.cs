using PocketCoder.Agents;
using PocketCoder.Hands;
using PocketCoder.Ledger;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Routing;

public sealed class FailuresTests
{
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
    };

    [Theory]
    [MemberData(nameof(Expected), DisableDiscoveryEnumeration = true)]
    public async Task What_can_be_expected_has_a_code_for_devices_and_the_same_one_for_the_owner(Exception failure, ErrorCode code)
    {
        Assert.True(Failures.IsExpected(failure));
        var told = Failures.ToWire(failure);
        Assert.Equal(code, told.Code);
        Assert.NotEmpty(told.Message);
        var named = await Assert.ThrowsAsync<ControlException>(() => ControlFailures.NamedAsync<int>(() => throw failure));
        Assert.Equal((code, told.Message), (named.Code, named.Message));
    }

    [Fact]
    public async Task What_nobody_expects_says_nothing_of_itself()
    {
        foreach (var bug in (Exception[])[new InvalidOperationException(Secret), new LedgerException(LedgerError.Locked, Secret), new IOException(Secret)])
        {
            Assert.False(Failures.IsExpected(bug));
            Assert.Equal(ErrorCode.UnknownError, Failures.ToWire(bug).Code);
            Assert.DoesNotContain(Secret, Failures.ToWire(bug).Message, StringComparison.Ordinal);
            Assert.Same(bug, await Assert.ThrowsAnyAsync<Exception>(() => ControlFailures.NamedAsync<int>(() => throw bug)));
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
        Assert.Equal((ErrorCode.RateLimited, "8 pairing links are open already. Use one of them, or wait until they expire."), (refused.Code, refused.Message));
        await using var phone = await TestDevice.PairAsync(links[^1], "phone");
        Assert.NotEmpty(await daemon.LinkAsync()); // one was used up
    }
}

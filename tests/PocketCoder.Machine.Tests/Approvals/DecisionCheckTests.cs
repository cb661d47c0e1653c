using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Tests.Approvals;

/// <summary>What of a request can be decided at all.</summary>
public sealed class DecisionCheckTests
{
    [Theory]
    [InlineData(DecisionScope.Once, true)]
    [InlineData(DecisionScope.Session, true)]
    [InlineData(DecisionScope.Turn, false)]
    public void A_host_that_no_turn_asked_for_can_t_be_allowed_for_one(DecisionScope scope, bool fits)
    {
        // A job goes on when its turn is over. An allowance "for the turn" would be one for a turn that never ends.
        var asked = Host(turn: Guid.Empty);
        var decision = new DecisionRequest(asked.ApprovalId, Guid.CreateVersion7(), DecisionVerdict.Allow, scope, asked.Digest, "");
        if (fits)
        {
            DecisionCheck.Fits(asked, decision);
            return;
        }

        Assert.Equal(ErrorCode.InvalidRequest, Assert.Throws<RequestFailure>(() => DecisionCheck.Fits(asked, decision)).Error.Code);
        DecisionCheck.Fits(asked with { TurnId = Guid.CreateVersion7() }, decision);
    }

    private static ApprovalInfo Host(Guid turn) => new(
        Guid.CreateVersion7(), Guid.CreateVersion7(), turn, Guid.CreateVersion7(), "stub", null, ApprovalKind.Network,
        ApprovalState.Pending, new string('0', 64),
        new NetworkSubject("registry.example.com", 443, "CONNECT", []), null, "connections to registry.example.com:443",
        SandboxKind.Bubblewrap, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch, null, null);
}

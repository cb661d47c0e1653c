using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Tests.Routing;

/// <summary>What the table costs a start.</summary>
public sealed class LazyTableTests
{
    [Fact]
    public void No_message_is_described_before_the_first_one_comes()
    {
        var verb = new Verb<PingRequest, PingResponse>(
            "ping", () => throw new InvalidOperationException("described"), () => throw new InvalidOperationException("described"));
        var table = new MessageTable().Map(verb, Scope.View, (_, _, _) => Task.FromResult(new PingResponse(DateTimeOffset.UnixEpoch)));

        Assert.NotNull(table.Find("ping"));
    }
}

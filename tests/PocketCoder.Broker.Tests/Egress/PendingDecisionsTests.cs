using PocketCoder.Broker.Egress;
using PocketCoder.Testing;

namespace PocketCoder.Broker.Tests.Egress;

public sealed class PendingDecisionsTests
{
    private readonly TaskCompletionSource<EgressVerdict> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _asked;

    [Fact]
    public async Task Whoever_waits_for_the_same_host_and_port_is_asked_about_once()
    {
        var decisions = new PendingDecisions(AskAsync);
        var waiting = Enumerable.Range(0, 5).Select(_ => decisions.AskAsync(new EgressRequest("unknown.test", 443, "CONNECT"), Token))
            .ToArray();
        var other = decisions.AskAsync(new EgressRequest("unknown.test", 80, "GET"), Token);
        _answer.SetResult(EgressVerdict.Allow("a person"));
        Assert.All(await Task.WhenAll(waiting), v => Assert.True(v.Allowed));
        Assert.True((await other).Allowed);
        Assert.Equal(2, _asked);

        // The answer was for those who waited: the next one is asked about again.
        Assert.True((await decisions.AskAsync(new EgressRequest("unknown.test", 443, "CONNECT"), Token)).Allowed);
        Assert.Equal(3, _asked);
    }

    [Fact]
    public async Task A_question_is_withdrawn_when_the_last_who_waits_is_gone()
    {
        var withdrawn = new TaskCompletionSource();
        var decisions = new PendingDecisions(async (_, ct) =>
        {
            ct.Register(withdrawn.SetResult);
            return await _answer.Task.WaitAsync(ct);
        });
        using var first = new CancellationTokenSource();
        using var second = new CancellationTokenSource();
        var waiting = new[] { first, second }.Select(s => decisions.AskAsync(new EgressRequest("unknown.test", 443, "CONNECT"), s.Token))
            .ToArray();
        await first.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting[0]);
        Assert.False(withdrawn.Task.IsCompleted);
        await second.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting[1]);
        await withdrawn.Task.WaitAsync(Wait.Limit);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private async ValueTask<EgressVerdict> AskAsync(EgressRequest request, CancellationToken ct)
    {
        Interlocked.Increment(ref _asked);
        return await _answer.Task.WaitAsync(ct);
    }
}

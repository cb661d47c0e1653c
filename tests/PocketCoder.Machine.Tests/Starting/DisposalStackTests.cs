using Microsoft.Extensions.Logging.Abstractions;
using PocketCoder.Machine.Starting;

namespace PocketCoder.Machine.Tests.Starting;

public sealed class DisposalStackTests
{
    private readonly List<string> _disposed = [];

    [Fact]
    public async Task Parts_are_disposed_once_in_reverse_order_of_construction_whichever_way_they_are()
    {
        var stack = new DisposalStack(NullLogger.Instance);
        var first = stack.Own(new Part("first", _disposed));
        stack.Own(new AsyncPart("second", _disposed));
        stack.Own(new Part("third", _disposed));
        Assert.Equal("first", first.Name);
        await stack.DisposeAsync();
        await stack.DisposeAsync();
        Assert.Equal(["third", "second", "first"], _disposed);
    }

    [Fact]
    public async Task A_part_that_fails_keeps_no_other_from_being_disposed_and_its_error_is_told()
    {
        var one = new DisposalStack(NullLogger.Instance);
        one.Own(new Part("below", _disposed));
        one.Own(new AsyncPart("failing", _disposed, new IOException("no")));
        one.Own(new Part("above", _disposed));
        Assert.Equal("no", (await Assert.ThrowsAsync<IOException>(async () => await one.DisposeAsync())).Message);
        Assert.Equal(["above", "failing", "below"], _disposed);

        var both = new DisposalStack(NullLogger.Instance);
        both.Own(new AsyncPart("a", _disposed, new IOException("one")));
        both.Own(new AsyncPart("b", _disposed, new IOException("two")));
        Assert.Equal(["two", "one"],
            (await Assert.ThrowsAsync<AggregateException>(async () => await both.DisposeAsync())).InnerExceptions.Select(e => e.Message));
    }

    [Fact]
    public void What_cannot_be_disposed_is_not_owned()
        => Assert.Throws<ArgumentException>(() => new DisposalStack(NullLogger.Instance).Own("a text"));

    private sealed class Part(string name, List<string> disposed) : IDisposable
    {
        public string Name => name;

        public void Dispose() => disposed.Add(name);
    }

    private sealed class AsyncPart(string name, List<string> disposed, Exception? error = null) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await Task.Yield();
            disposed.Add(name);
            if (error is not null)
            {
                throw error;
            }
        }
    }
}

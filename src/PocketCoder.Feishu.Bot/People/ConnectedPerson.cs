using System.Collections.Concurrent;
using System.Threading.Channels;
using PocketCoder.Entry;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.People;

/// <summary>A stream that is followed, until it is disposed.</summary>
/// <param name="Start">What the machine said when it was asked for.</param>
internal sealed record FollowedStream(SubscribeResponse Start, ChannelReader<EntryEvent> Events, Func<ValueTask> End) : IAsyncDisposable
{
    public ValueTask DisposeAsync() => End();
}

/// <summary>
/// A paired person who is in: one connection for all that they ask and all that is followed with their rights. Thread-safe.
/// </summary>
internal sealed class ConnectedPerson : Person, IAsyncDisposable
{
    private const int MostWaiting = 64; // events of one stream; then the streams wait, and the machine keeps them

    private readonly ConcurrentDictionary<string, Channel<EntryEvent>> _followed = new(StringComparer.Ordinal);
    private readonly Task _reading;

    public ConnectedPerson(string account, IEntryPerson person)
        : base(account, person)
    {
        Over = person.Over;
        _reading = ReadAllAsync();
    }

    /// <summary>Cancelled when they were revoked, paired anew, or the machine stops.</summary>
    public CancellationToken Over { get; }

    public bool IsFollowing => !_followed.IsEmpty;

    /// <summary>Follows a stream; one at a time follows the same.</summary>
    /// <exception cref="EntryRefusal">There is no such stream, or it is followed already.</exception>
    public async Task<FollowedStream> FollowAsync(string stream, string? epoch, long after, CancellationToken cancellationToken)
    {
        var channel = Channel.CreateBounded<EntryEvent>(MostWaiting);
        if (!_followed.TryAdd(stream, channel))
        {
            throw new EntryRefusal(new WireError(ErrorCode.Conflict, "This is followed already."));
        }

        try
        {
            var start = await AskAsync(DeviceVerbs.Subscribe, new SubscribeRequest(stream, epoch, after), cancellationToken);
            return new FollowedStream(start, channel.Reader, () => EndAsync(stream, channel));
        }
        catch
        {
            Forget(stream, channel);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Inner.DisposeAsync();
        await _reading;
    }

    private async ValueTask EndAsync(string stream, Channel<EntryEvent> channel)
    {
        Forget(stream, channel);
        try
        {
            await AskAsync(DeviceVerbs.Unsubscribe, new UnsubscribeRequest(stream), Over);
        }
        catch (Exception e) when (e is EntryRefusal or OperationCanceledException or ObjectDisposedException)
        {
            // They are out, and so is the stream.
        }
    }

    private void Forget(string stream, Channel<EntryEvent> channel)
    {
        _followed.TryRemove(KeyValuePair.Create(stream, channel));
        channel.Writer.TryComplete();
    }

    private async Task ReadAllAsync()
    {
        await Task.Yield();
        try
        {
            await foreach (var happened in Inner.ReadAsync(CancellationToken.None))
            {
                if (_followed.TryGetValue(happened.Stream, out var channel))
                {
                    await WriteAsync(channel, happened);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // It is over.
        }
        finally
        {
            foreach (var channel in _followed.Values)
            {
                channel.Writer.TryComplete();
            }
        }
    }

    private async Task WriteAsync(Channel<EntryEvent> channel, EntryEvent happened)
    {
        try
        {
            await channel.Writer.WriteAsync(happened, Over);
        }
        catch (ChannelClosedException)
        {
            // Nobody follows it any more.
        }
    }
}

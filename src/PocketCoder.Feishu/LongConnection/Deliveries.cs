using System.Text.Json;
using System.Text.Json.Serialization;
using System.Threading.Channels;
using PocketCoder.Feishu.Events;

namespace PocketCoder.Feishu.LongConnections;

/// <summary>What became of what arrived, since the program began.</summary>
public sealed record FeishuCounts(long Taken, long NotTaken, long Unknown, long Malformed, long GivenUp);

/// <summary>
/// Gives events to the handler, one at a time and in order, and acknowledges each within the platform's three seconds: 200 once the handler
/// has it, 500 when it failed or is not done in time, so that the platform sends it again. A handler that ignores the end of its time holds
/// up those behind it, which get their 500 in time too. Full: 500 at once. It outlives a connection.
/// </summary>
internal sealed class Deliveries(FeishuApp app, IFeishuHandler handler, TimeProvider time)
{
    /// <summary>Of the platform's three seconds, those until the answer is sent.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromMilliseconds(2500);

    /// <summary>How many may wait for the handler on one connection.</summary>
    public const int Most = 64;

    private Task _late = Task.CompletedTask;
    private long _taken, _notTaken, _unknown, _malformed;

    public FeishuCounts Counts(long givenUp) => new(
        Interlocked.Read(ref _taken), Interlocked.Read(ref _notTaken), Interlocked.Read(ref _unknown),
        Interlocked.Read(ref _malformed), givenUp);

    /// <summary>For one connection.</summary>
    public static Channel<Arrived> NewQueue()
        => Channel.CreateBounded<Arrived>(new BoundedChannelOptions(Most) { SingleReader = true, SingleWriter = true });

    public void CountMalformed() => Interlocked.Increment(ref _malformed);

    /// <summary>Until the queue ends or the connection does.</summary>
    public async Task ServeAsync(ChannelReader<Arrived> queue, FeishuSocket socket, CancellationToken cancellationToken)
    {
        await foreach (var arrived in queue.ReadAllAsync(cancellationToken))
        {
            var answer = await AnswerAsync(arrived, cancellationToken);
            await socket.SendAsync(Acknowledgement(arrived, answer), cancellationToken);
        }
    }

    /// <summary>There is no room for it: the platform shall send it again.</summary>
    public Task RefuseAsync(Arrived arrived, FeishuSocket socket, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _notTaken);
        return socket.SendAsync(Acknowledgement(arrived, new Answer(Answer.Failed, null)), cancellationToken);
    }

    private async Task<Answer> AnswerAsync(Arrived arrived, CancellationToken cancellationToken)
    {
        FeishuDelivery delivery;
        try
        {
            delivery = EventParser.Read(arrived.Payload, app);
        }
        catch (FeishuException)
        {
            CountMalformed();
            return new Answer(Answer.Failed, null);
        }

        if (delivery.Event is UnknownEvent)
        {
            Interlocked.Increment(ref _unknown);
            return new Answer(Answer.Good, null);
        }

        try
        {
            var result = await TakeAsync(arrived, delivery, cancellationToken);
            Interlocked.Increment(ref _taken);
            return new Answer(Answer.Good, delivery.IsCallback ? result ?? "{}"u8.ToArray() : default(ReadOnlyMemory<byte>?));
        }
        catch (Exception) when (!cancellationToken.IsCancellationRequested)
        {
            // Whatever it was, the handler does not have it; it says itself why.
            Interlocked.Increment(ref _notTaken);
            return new Answer(Answer.Failed, null);
        }
    }

    private async Task<ReadOnlyMemory<byte>?> TakeAsync(Arrived arrived, FeishuDelivery delivery, CancellationToken cancellationToken)
    {
        var left = Limit - time.GetElapsedTime(arrived.At);
        using var limit = new CancellationTokenSource(left > TimeSpan.Zero ? left : TimeSpan.Zero, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        await _late.WaitAsync(both.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        both.Token.ThrowIfCancellationRequested();
        var taking = Task.Run(() => handler.TakeAsync(delivery, both.Token), both.Token);
        _late = taking;
        return await taking.WaitAsync(both.Token);
    }

    private Frame Acknowledgement(Arrived arrived, Answer answer)
        => arrived.Frame.Answer(
            (long)time.GetElapsedTime(arrived.At).TotalMilliseconds,
            JsonSerializer.SerializeToUtf8Bytes(answer, DeliveryJson.Default.Answer));
}

/// <summary>A joined message, and the frame that is acknowledged for it.</summary>
internal sealed record Arrived(Frame Frame, ReadOnlyMemory<byte> Payload, long At);

/// <param name="Data">The answer to a callback, which becomes base64.</param>
internal sealed record Answer(
    [property: JsonPropertyName("code")] int Code,
    [property: JsonPropertyName("data"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] ReadOnlyMemory<byte>? Data)
{
    public const int Good = 200;
    public const int Failed = 500;
}

[JsonSerializable(typeof(Answer))]
internal sealed partial class DeliveryJson : JsonSerializerContext;

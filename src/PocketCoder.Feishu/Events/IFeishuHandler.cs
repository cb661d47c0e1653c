namespace PocketCoder.Feishu.Events;

/// <summary>The one who is told what arrives.</summary>
public interface IFeishuHandler
{
    /// <summary>
    /// Takes one event. It must be kept durably when this returns, because the platform then never sends it again; whatever takes long is
    /// done later. Called for one event at a time, in the order of their arrival, and never for an <see cref="UnknownEvent"/>.
    /// </summary>
    /// <param name="cancellationToken">Ends when the platform's three seconds are nearly over: the event then counts as not taken.</param>
    /// <returns>For a callback: the JSON that the person's client gets (<c>toast</c>, <c>card</c>); null: nothing to show.</returns>
    Task<ReadOnlyMemory<byte>?> TakeAsync(FeishuDelivery delivery, CancellationToken cancellationToken);
}

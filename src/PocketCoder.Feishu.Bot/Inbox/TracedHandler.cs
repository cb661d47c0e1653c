using PocketCoder.Entry;
using PocketCoder.Feishu.Bot.Keeping;
using PocketCoder.Feishu.Events;

namespace PocketCoder.Feishu.Bot.Inbox;

/// <summary>Notes what arrives, and whether it was taken, before and after the one who takes it.</summary>
internal sealed class TracedHandler(IFeishuHandler inner, BotTrace trace) : IFeishuHandler
{
    public async Task<ReadOnlyMemory<byte>?> TakeAsync(FeishuDelivery delivery, CancellationToken cancellationToken)
    {
        var (person, chat, isDirect) = delivery.Event switch
        {
            MessageReceived m => (m.SenderOpenId, m.ChatId, m.ChatKind == FeishuChatKind.Direct),
            CardAction c => (c.OperatorOpenId, c.ChatId, (bool?)null),
            _ => (null, null, null),
        };
        trace.Arrived(delivery.EventId, delivery.Type, person, chat, isDirect);
        try
        {
            return await inner.TakeAsync(delivery, cancellationToken);
        }
        catch (Exception e)
        {
            trace.Wrong(delivery.Type, e is EntryRefusal or FeishuException ? e.Message : e.GetType().Name);
            throw;
        }
    }
}

using System.Collections.Frozen;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using PocketCoder.Channels;
using PocketCoder.Machine.Devices;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Connections.Letters;

/// <summary>
/// Takes the letters that devices left at a gateway while this machine was away (docs/protocol.md, "Letters"): what one asks is done with
/// the rights that its device has now, as if the device asked it now, and once. A letter only prompts; whoever decides looks at how things
/// stand. Thread-safe.
/// </summary>
internal sealed partial class LetterService(
    ChannelIdentity identity, DeviceStore devices, MessageTable table, Store store, ILogger logger)
{
    /// <summary>What whoever delivers is told: it need not come again.</summary>
    public const string Taken = "letter_taken";

    /// <summary>It will never be taken.</summary>
    public const string Refused = "letter_refused";

    /// <summary>It can't be taken now.</summary>
    public const string Later = "letter_later";

    /// <summary>How long one may hold. A device's clock may go wrong by an hour.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromDays(Limits.LetterDays) + TimeSpan.FromHours(1);

    private const string NotThisOne = "The machine does not take this letter."; // why is for its device alone

    private static readonly FrozenSet<string> s_types
        = new[] { MessageTypes.AgentMessage, MessageTypes.AgentSessionNew }.ToFrozenSet(StringComparer.Ordinal);

    private readonly LetterLog _done = new(store);

    /// <summary>Takes a letter, or says why not. The same letter once more changes nothing.</summary>
    /// <returns>What whoever delivers is told, and whether a paired device wrote it.</returns>
    /// <exception cref="OperationCanceledException">Whoever delivers is gone, or it took too long; it can come again.</exception>
    public async Task<(CloseReason Outcome, bool IsProved)> TakeAsync(ReadOnlyMemory<byte> frame, CancellationToken cancellationToken)
    {
        Peer? writer = null;
        try
        {
            (writer, var text) = SealedLetter.Open(frame.Span, identity, devices.StandingOf);
            var (asked, until) = LetterText.Read(text);
            if (until <= store.Now || until > store.Now + Longest)
            {
                throw new RequestFailure(ErrorCode.InvalidRequest, "The letter has ended, or would hold for too long.");
            }

            if (!await _done.IsDoneAsync(writer.Id, asked.RequestId!, cancellationToken))
            {
                await AskAsync(writer.Id, asked, text.Length, cancellationToken);
                await _done.DoneAsync(writer.Id, [asked.RequestId!], until);
                Log.Taken(logger, writer.Id, asked.Type);
            }

            return (new CloseReason(Taken, "The machine has the letter."), true);
        }
        catch (ChannelException e)
        {
            Log.Refused(logger, null, e.Error.Code());
            return (new CloseReason(Refused, NotThisOne), false);
        }
        catch (Exception e) when (Failures.IsExpected(e))
        {
            var error = Failures.ToWire(e);
            Log.Refused(logger, writer?.Id, error.Code.ToString());
            var isLater = error.Code is ErrorCode.Unavailable or ErrorCode.DaemonBusy or ErrorCode.RateLimited
                or ErrorCode.LedgerDistrusted or ErrorCode.StorageFull;
            return (isLater ? new CloseReason(Later, "The machine can't take letters now.") : new CloseReason(Refused, NotThisOne), true);
        }
    }

    private async Task AskAsync(string device, Envelope asked, int length, CancellationToken cancellationToken)
    {
        if (!s_types.Contains(asked.Type))
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, "A letter can only prompt.");
        }

        var writer = devices.Find(device) is { RevokedAt: null } found ? found
            : throw new RequestFailure(ErrorCode.Unauthorized, DeviceConnection.Revoked);
        var caller = new DeviceCaller(writer, new LetterConnection(asked.RequestId!, store, cancellationToken));
        if (!table.TryFind(asked.Type, caller, out var route, out var refusal))
        {
            throw new RequestFailure(refusal.Code, refusal.Message);
        }

        if (length > route.MostBytes)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, "The letter is too long for what it asks.");
        }

        await route.Answer(caller, asked.Payload, cancellationToken);
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 213, Level = LogLevel.Information, Message = "a letter of device {Device} was taken ({Type})")]
        public static partial void Taken(ILogger logger, string device, string type);

        [LoggerMessage(EventId = 214, Level = LogLevel.Warning, Message = "a letter of device {Device} was not taken: {Reason}")]
        public static partial void Refused(ILogger logger, string? device, string reason);
    }
}

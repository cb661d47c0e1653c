using System.Text.Json;
using Microsoft.Extensions.Logging;
using PocketCoder.Machine.Connections;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane;

/// <param name="Payload">JSON: the response's payload, or null and <paramref name="Error"/> says why.</param>
/// <param name="Afterwards">To be run when the answer is out.</param>
internal sealed record OwnerAnswer(byte[]? Payload, WireError? Error, Action? Afterwards = null);

/// <summary>Answers the owner's requests from the table that devices use. Thread-safe.</summary>
internal sealed partial class OwnerRequests(MessageTable table, ILogger log)
{
    /// <summary>The largest payload of a type, in bytes; 0: the owner has no such row.</summary>
    public int MostBytes(string type) => table.Find(type) is { ForOwner: true } route ? route.OwnerBytes : 0;

    /// <summary>Answers one request. Every failure but the caller's own cancellation is an answer.</summary>
    public async Task<OwnerAnswer> AnswerAsync(string type, JsonElement? payload, CancellationToken ct)
    {
        var caller = new OwnerCaller();
        if (!table.TryFind(type, caller, out var route, out var refusal))
        {
            return new OwnerAnswer(null, refusal);
        }

        try
        {
            return new OwnerAnswer((await route.Answer(caller, payload, ct)).ToPayload(), null, caller.Afterwards);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception e) when (Failures.IsExpected(e))
        {
            return new OwnerAnswer(null, Failures.ToWire(e));
        }
        catch (Exception e)
        {
            // The outermost frame of an operation: the caller gets a code, the log gets the rest.
            LogFailed(log, e, type);
            return new OwnerAnswer(null, Unforeseen);
        }
    }

    /// <summary>What the owner is told of a bug.</summary>
    internal static WireError Unforeseen { get; } =
        new(ErrorCode.UnknownError, "The daemon failed to do that. For details: pocketcoder logs");

    [LoggerMessage(EventId = 3001, Level = LogLevel.Error, Message = "Control operation {Type} failed")]
    private static partial void LogFailed(ILogger log, Exception e, string type);
}

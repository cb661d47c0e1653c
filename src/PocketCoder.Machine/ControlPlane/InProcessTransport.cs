using System.Text.Json;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>The owner's requests from inside this process: the control port, which has shapes of its own, asks the same rows.</summary>
internal sealed class InProcessTransport(OwnerRequests requests) : IControlTransport
{
    public async Task<TOut> AskAsync<TIn, TOut>(Verb<TIn, TOut> operation, TIn request, TimeSpan? most, CancellationToken ct)
    {
        var answer = await requests.AnswerAsync(operation.Type, JsonSerializer.SerializeToElement(request, operation.Request()), ct);
        answer.Afterwards?.Invoke();
        return answer.Error is { } error
            ? throw new ControlException(error.Code, error.Message)
            : JsonSerializer.Deserialize(answer.Payload, operation.Response())
                ?? throw new ControlException(ErrorCode.UnknownError, "The daemon answered nothing.");
    }

    public void Dispose()
    {
        // nothing of its own
    }
}

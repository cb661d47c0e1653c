using System.Text.Json;
using PocketCoder.Processes;

namespace PocketCoder.Agents.Shared.Rpc;

/// <summary>
/// A program that is started for a few questions about what it keeps, and ended after them. It has no conversation, so whatever it says
/// unasked is passed over.
/// </summary>
internal static class OneQuestion
{
    /// <summary>For all of it; the program is ended then. Some are slow to start: 7 s were seen, on a quiet machine.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    /// <exception cref="AgentException">It could not be started, did not answer in time, or ended.</exception>
    public static async Task<T> AskAsync<T>(ProcessStart start, string name, TimeProvider time,
        Func<RpcConnection, CancellationToken, Task<T>> ask, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        try
        {
            await using var connection = await RpcConnection.StartAsync(start, sandbox: null, name, new Deaf(), time, limit.Token);
            return await ask(connection, limit.Token);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new AgentException(AgentError.TimedOut, $"{name} did not answer within {Limit.TotalSeconds:0} s.", e);
        }
    }

    private sealed class Deaf : IRpcTranslator
    {
        public void Requested(string method, JsonElement message, JsonElement parameters, RpcOutput output)
        {
            // nothing is said to it that we act on
        }

        public void Notified(string method, JsonElement parameters, RpcOutput output)
        {
            // the same
        }

        public RpcOutput NotUnderstood(ReadOnlySpan<byte> line) => new();

        public IReadOnlyList<AgentEvent> CloseOpen() => [];
    }
}

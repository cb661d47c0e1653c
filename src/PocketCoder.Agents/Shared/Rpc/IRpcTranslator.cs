using System.Text.Json;

namespace PocketCoder.Agents.Shared.Rpc;

/// <summary>Turns a program's messages into events and answers: no process, no clock of its own. Called under the connection's lock.</summary>
internal interface IRpcTranslator
{
    /// <summary>A notification or a request of the program. May throw <see cref="InvalidOperationException"/> for text that is no text.</summary>
    RpcOutput Take(JsonElement message);

    /// <summary>A line that is no message at all: broken JSON, no object, a member twice.</summary>
    RpcOutput NotUnderstood(ReadOnlySpan<byte> line);

    /// <summary>The program is gone: what is still open, to be said before the end itself.</summary>
    IReadOnlyList<AgentEvent> CloseOpen();
}

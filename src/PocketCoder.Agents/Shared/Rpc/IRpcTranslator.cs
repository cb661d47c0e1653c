using System.Text.Json;

namespace PocketCoder.Agents.Shared.Rpc;

/// <summary>
/// Turns a program's messages into events and answers: no process, no clock of its own. Called under the connection's lock.
/// </summary>
internal interface IRpcTranslator
{
    /// <summary>The program asks something. May throw <see cref="InvalidOperationException"/> for text that is no text.</summary>
    /// <param name="message">The whole request; its id may be one that can't be answered.</param>
    void Requested(string method, JsonElement message, JsonElement parameters, RpcOutput output);

    /// <summary>The program says something. May throw as <see cref="Requested"/>.</summary>
    void Notified(string method, JsonElement parameters, RpcOutput output);

    /// <summary>A line that is no message at all: broken JSON, no object, a member twice.</summary>
    RpcOutput NotUnderstood(ReadOnlySpan<byte> line);

    /// <summary>The program is gone: what is still open, to be said before the end itself.</summary>
    IReadOnlyList<AgentEvent> CloseOpen();
}

internal static class RpcTranslators
{
    /// <summary>Hands a translator a message that has a method: a request or a notification.</summary>
    public static RpcOutput Take(this IRpcTranslator translator, JsonElement message)
    {
        var output = new RpcOutput();
        var method = message.Text("method") ?? "";
        var parameters = message.Object("params") ?? default;
        if (message.Member("id") is not null)
        {
            translator.Requested(method, message, parameters, output);
        }
        else
        {
            translator.Notified(method, parameters, output);
        }

        return output;
    }
}

namespace PocketCoder.Agents.Shared.Rpc;

/// <summary>What one message of a program leads to.</summary>
internal sealed class RpcOutput
{
    public List<AgentEvent> Events { get; } = [];

    /// <summary>To be written before the events are handed on.</summary>
    public List<byte[]> Lines { get; } = [];

    /// <summary>Our own requests that follow from it.</summary>
    public List<RpcCall> Calls { get; } = [];

    /// <summary>What the machine itself is to do for the program, off the reading loop.</summary>
    public List<Func<CancellationToken, Task>> Acts { get; } = [];

    /// <summary>The program did what it must not: it is to be killed, for this reason.</summary>
    public string? Violation { get; set; }
}

/// <summary>A request of ours.</summary>
/// <param name="Then">What its answer leads to; null: nothing.</param>
internal sealed record RpcCall(string Method, Action<System.Text.Json.Utf8JsonWriter> Parameters, Func<RpcReply, RpcOutput>? Then = null);

/// <summary>The answer to one of our own requests.</summary>
/// <param name="Result">Lives on by itself; undefined with an error.</param>
/// <param name="Error">The program's words; null: it worked.</param>
internal sealed record RpcReply(System.Text.Json.JsonElement Result, string? Error, long Code = 0);

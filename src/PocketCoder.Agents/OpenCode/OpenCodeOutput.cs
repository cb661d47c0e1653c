using System.Text.Json;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.OpenCode;

/// <summary>What follows from an event or an answer: things to tell the machine, things to ask OpenCode.</summary>
internal sealed class OpenCodeOutput
{
    public List<AgentEvent> Events { get; } = [];

    public List<OpenCodeCall> Calls { get; } = [];

    /// <summary>What we do ourselves, beside the reading.</summary>
    public List<Func<CancellationToken, Task>> Acts { get; } = [];

    /// <summary>Set: the gate does not hold, the process must end at once; why, for people.</summary>
    public string? Violation { get; set; }
}

/// <summary>A request to OpenCode's server.</summary>
/// <param name="Path">Without query; parts of it that OpenCode told are escaped.</param>
/// <param name="Then">What follows from the answer; under the lock.</param>
internal sealed record OpenCodeCall(HttpMethod Method, string Path, byte[]? Body, Func<OpenCodeReply, OpenCodeOutput>? Then = null)
{
    public static OpenCodeCall Post(string path, Action<Utf8JsonWriter>? body = null, Func<OpenCodeReply, OpenCodeOutput>? then = null)
        => new(HttpMethod.Post, path, LineJson.Write(body ?? (_ => { })), then);

    public static OpenCodeCall Get(string path) => new(HttpMethod.Get, path, null);
}

/// <param name="Body">Default when there is none or it is no JSON.</param>
internal sealed record OpenCodeReply(int Status, JsonElement Body)
{
    public bool IsOk => Status is >= 200 and < 300;

    /// <summary>Why not, in OpenCode's words.</summary>
    public string Words => Body.Object("data")?.Text("message") ?? Body.Text("message") ?? $"HTTP {Status}";
}

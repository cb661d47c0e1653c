using System.Text.Json;

namespace PocketCoder.Agents.Acp;

/// <summary>Reads the requests and notifications that one agent makes beyond the protocol. One for each process; not thread-safe.</summary>
internal interface IAcpExtension
{
    /// <summary>What it is, or null when it is not understood: a request is then refused, a notification skipped.</summary>
    AcpExtra? Read(string method, JsonElement parameters);
}

/// <summary>What an agent says or asks beyond the protocol.</summary>
internal abstract record AcpExtra
{
    private AcpExtra()
    {
    }

    /// <summary>Something to be known, with the answer that a request for it gets at once.</summary>
    public sealed record News(AgentEvent? Event, Action<Utf8JsonWriter> Answer) : AcpExtra;

    /// <summary>Something that waits for a person.</summary>
    /// <param name="Ask">The event, given the id of our request.</param>
    /// <param name="Answer">The answer to what the person said; <see cref="AgentAnswer.Deny"/> also when nobody will.</param>
    public sealed record Wait(Func<string, AgentEvent> Ask, Func<AgentAnswer, Action<Utf8JsonWriter>> Answer) : AcpExtra;
}

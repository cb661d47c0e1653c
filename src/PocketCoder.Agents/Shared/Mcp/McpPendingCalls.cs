namespace PocketCoder.Agents.Shared.Mcp;

/// <summary>The calls that wait, by our id and by the client's. Bounded. Thread-safe.</summary>
internal sealed class McpPendingCalls
{
    /// <summary>Calls that may wait at one time: agents call a few tools side by side, not dozens.</summary>
    public const int Most = 32;

    private readonly Lock gate = new(); // guards all below
    private readonly Dictionary<string, McpCall> byRequest = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Session, string Id), McpCall> byClient = [];
    private bool closed;

    /// <returns>Null: too many wait, the client uses the id for another one that waits, or all is closed.</returns>
    public McpCall? Add(string session, string id, string toolName, string inputJson, string? metaJson)
    {
        lock (gate)
        {
            if (closed || byRequest.Count >= Most || byClient.ContainsKey((session, id)))
            {
                return null;
            }

            var call = new McpCall($"mcp-{Guid.CreateVersion7():N}", toolName, inputJson, metaJson);
            byRequest[call.RequestId] = byClient[(session, id)] = call;
            return call;
        }
    }

    public void Remove(string session, string id, McpCall call)
    {
        lock (gate)
        {
            byRequest.Remove(call.RequestId);
            byClient.Remove((session, id));
        }
    }

    public McpCall? Find(string requestId)
    {
        lock (gate)
        {
            return byRequest.GetValueOrDefault(requestId);
        }
    }

    /// <returns>Whether it waited until now.</returns>
    public bool TryEnd(string requestId, McpCallEnd how)
    {
        lock (gate)
        {
            return byRequest.GetValueOrDefault(requestId)?.TryEnd(how) ?? false;
        }
    }

    /// <summary>The client no longer waits for one of its calls.</summary>
    public void Withdraw(string session, string id)
    {
        lock (gate)
        {
            byClient.GetValueOrDefault((session, id))?.TryEnd(new McpCallEnd.Withdrawn());
        }
    }

    /// <returns>Those that waited until now.</returns>
    public IReadOnlyList<McpCall> EndAll(McpCallEnd how)
    {
        lock (gate)
        {
            return [.. byRequest.Values.Where(c => c.TryEnd(how))];
        }
    }

    /// <summary>From now on there are no more.</summary>
    public void Close()
    {
        lock (gate)
        {
            closed = true;
        }
    }
}

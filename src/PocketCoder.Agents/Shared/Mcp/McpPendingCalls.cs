namespace PocketCoder.Agents.Shared.Mcp;

/// <summary>The calls that wait, by our id and by the client's. Bounded. Thread-safe.</summary>
internal sealed class McpPendingCalls
{
    /// <summary>Calls that may wait at one time: agents call a few tools side by side, not dozens.</summary>
    public const int Most = 32;

    private readonly Lock _gate = new(); // guards all below
    private readonly Dictionary<string, McpCall> _byRequest = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Session, string Id), McpCall> _byClient = [];
    private bool _closed;

    /// <returns>Null: too many wait, the client uses the id for another one that waits, or all is closed.</returns>
    public McpCall? Add(string session, string id, string toolName, string inputJson, string? metaJson)
    {
        lock (_gate)
        {
            if (_closed || _byRequest.Count >= Most || _byClient.ContainsKey((session, id)))
            {
                return null;
            }

            var call = new McpCall($"mcp-{Guid.CreateVersion7():N}", toolName, inputJson, metaJson);
            _byRequest[call.RequestId] = _byClient[(session, id)] = call;
            return call;
        }
    }

    public void Remove(string session, string id, McpCall call)
    {
        lock (_gate)
        {
            _byRequest.Remove(call.RequestId);
            _byClient.Remove((session, id));
        }
    }

    public McpCall? Find(string requestId)
    {
        lock (_gate)
        {
            return _byRequest.GetValueOrDefault(requestId);
        }
    }

    /// <returns>Whether it waited until now.</returns>
    public bool TryEnd(string requestId, McpCallEnd how)
    {
        lock (_gate)
        {
            return _byRequest.GetValueOrDefault(requestId)?.TryEnd(how) ?? false;
        }
    }

    /// <summary>The client no longer waits for one of its calls.</summary>
    public void Withdraw(string session, string id)
    {
        lock (_gate)
        {
            _byClient.GetValueOrDefault((session, id))?.TryEnd(new McpCallEnd.Withdrawn());
        }
    }

    /// <returns>Those that waited until now.</returns>
    public IReadOnlyList<McpCall> EndAll(McpCallEnd how)
    {
        lock (_gate)
        {
            return [.. _byRequest.Values.Where(c => c.TryEnd(how))];
        }
    }

    /// <summary>From now on there are no more.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
        }
    }
}

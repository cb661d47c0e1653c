using System.Text;
using System.Threading.Channels;
using PocketCoder.Agents.Shared;
using PocketCoder.Agents.Shared.Mcp;
using PocketCoder.Agents.Shared.Rpc;

namespace PocketCoder.Agents.Acp;

/// <summary>
/// The tools of ours that an ACP agent calls by MCP. The cards that people see are made of these calls, with the exact input, not of what
/// the agent tells about them. Thread-safe.
/// </summary>
internal sealed class AcpHostTools : IMcpCalls, IAsyncDisposable
{
    /// <summary>Agents ask for the tools while they open the conversation, some of them a moment later.</summary>
    private static readonly TimeSpan s_listLimit = TimeSpan.FromSeconds(30);

    /// <summary>What says in a word what a call is about.</summary>
    private static readonly string[] s_telling = ["command", "job", "path", "question"];

    private readonly AcpGate _gate;
    private readonly McpToolEndpoint _endpoint;
    private readonly TimeProvider _time;
    private volatile RpcConnection? _connection; // set once, and after what stands below
    private Func<bool> _turnRuns = static () => false;

    public AcpHostTools(AcpGate gate, IReadOnlyList<HostTool> tools, TimeProvider time)
    {
        (_gate, _time) = (gate, time);
        _endpoint = new McpToolEndpoint(tools, this, time);
    }

    public string Token => _endpoint.Token;

    /// <summary>The way in for an agent in a sandbox.</summary>
    public AgentToolSocket Socket
        => new(AgentToolSocket.UsualPort, (path, mode, ct) => _endpoint.ListenAsync(path, mode, AgentToolSocket.UsualPort, ct));

    /// <summary>Listens for an agent that is a child of the daemon.</summary>
    public Task<Uri> ListenAsync(CancellationToken cancellationToken) => _endpoint.ListenAsync(cancellationToken);

    /// <summary>From now on calls are taken.</summary>
    /// <param name="turnRuns">Asked under the connection's lock.</param>
    public void Connect(RpcConnection connection, Func<bool> turnRuns)
    {
        _turnRuns = turnRuns;
        _connection = connection;
    }

    /// <summary>Whether the agent tells of a call of ours: that is shown already.</summary>
    public bool IsOurs(AcpCall call) => _gate.IsOurs(call);

    /// <summary>
    /// The agent can offer our tools only after it asked for them. An agent that skipped the settings that lead to us does not know where.
    /// </summary>
    /// <exception cref="AgentException">It did not ask.</exception>
    public async Task ListedAsync(string agent, CancellationToken cancellationToken)
    {
        try
        {
            await _endpoint.ToolsListed.WaitAsync(s_listLimit, _time, cancellationToken);
        }
        catch (TimeoutException e)
        {
            throw new AgentException(
                AgentError.FailedToStart, $"{agent} did not take the tools that keep it from acting by itself. It was ended.", e);
        }
    }

    /// <summary>Null when it is no call of ours.</summary>
    /// <exception cref="ArgumentException">This kind of answer does not fit a call.</exception>
    public RpcOutput? Answer(string requestId, AgentAnswer answer)
    {
        if (_endpoint.Find(requestId) is not { } call || !_endpoint.Answer(requestId, answer))
        {
            return null;
        }

        var output = new RpcOutput();
        output.Events.Add(answer is AgentAnswer.HostResult result
            ? new AgentToolResult(ToolUse(call), result.IsError, BoundedText.HeadAndTail(result.Text, BoundedText.OutputLimit))
            : new AgentToolResult(ToolUse(call), IsError: true, (answer as AgentAnswer.Deny)?.Message ?? ""));
        return output;
    }

    /// <summary>The turn is over or is being stopped: no call may begin any more. Called under the connection's lock.</summary>
    public void Drop(RpcOutput output)
    {
        foreach (var call in _endpoint.DropAll())
        {
            output.Events.AddRange(Over(call));
        }
    }

    public async ValueTask<bool> CalledAsync(McpCall call, CancellationToken cancellationToken)
    {
        if (_connection is not { } to || !await to.SayAsync(() => IsWanted(call) ? Announced(call) : null, cancellationToken))
        {
            return false;
        }

        var asked = new AgentHostCall(call.RequestId, ToolUse(call), call.ToolName, call.InputJson);
        if (await to.SayAsync(() => IsWanted(call) ? asked : null, cancellationToken))
        {
            return true;
        }

        await SayAsync([Over(call)[^1]], cancellationToken); // it was shown; it ended in between
        return false;
    }

    public ValueTask WithdrawnAsync(McpCall call, CancellationToken cancellationToken) => SayAsync(Over(call), cancellationToken);

    public ValueTask DisposeAsync() => _endpoint.DisposeAsync();

    private static AgentEvent[] Over(McpCall call)
        => [new AgentRequestWithdrawn(call.RequestId), new AgentToolResult(ToolUse(call), IsError: true, "") { Interrupted = true }];

    /// <summary>Not the agent's own id of the call, which would be told by the agent: what belongs together is ours to say.</summary>
    private static string ToolUse(McpCall call) => call.RequestId;

    private static AgentToolUse Announced(McpCall call)
    {
        using var input = LineJson.TryParse(Encoding.UTF8.GetBytes(call.InputJson));
        var what = s_telling.Select(name => input?.RootElement.Text(name)).FirstOrDefault(text => !string.IsNullOrWhiteSpace(text));
        return new AgentToolUse(
            ToolUse(call), call.ToolName, Kind(call.ToolName), BoundedText.OneLine(what ?? call.ToolName), call.InputJson);
    }

    private static ToolKind Kind(string tool) => tool switch
    {
        "bash" => ToolKind.Execute,
        "ask" => ToolKind.Question,
        _ => tool.StartsWith("job_", StringComparison.Ordinal) ? ToolKind.Execute : ToolKind.Other,
    };

    private bool IsWanted(McpCall call) => call.IsPending && _turnRuns();

    private async ValueTask SayAsync(AgentEvent[] events, CancellationToken cancellationToken)
    {
        try
        {
            foreach (var item in events)
            {
                if (_connection is not null)
                {
                    await _connection.SayAsync(() => item, cancellationToken);
                }
            }
        }
        catch (Exception e) when (e is ChannelClosedException or OperationCanceledException)
        {
            // the agent's end was said, which ends its calls too; or nobody reads any more
        }
    }
}

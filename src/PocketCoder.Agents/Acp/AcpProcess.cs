using System.Text.Json;
using System.Threading.Channels;
using PocketCoder.Agents.Shared;
using PocketCoder.Agents.Shared.Mcp;
using PocketCoder.Agents.Shared.Rpc;
using PocketCoder.Processes;

namespace PocketCoder.Agents.Acp;

/// <summary>One running ACP agent with one session in it.</summary>
internal sealed class AcpProcess : IAgentProcess
{
    /// <summary>Some of them are slow to start: 7 s were seen, on a quiet machine.</summary>
    private static readonly TimeSpan s_initializeLimit = TimeSpan.FromSeconds(90);

    private static readonly TimeSpan s_requestLimit = TimeSpan.FromSeconds(20);

    /// <summary>An old conversation that is played back pauses for less than this, and is cut off after that many of them.</summary>
    private static readonly TimeSpan s_quiet = TimeSpan.FromMilliseconds(400);
    private const int MostLooks = 25;

    private readonly AcpAgent _agent;
    private readonly AgentStart _start;
    private readonly AcpTranslator _translator;
    private readonly TimeProvider _time;
    private readonly AcpHostTools? _tools;
    private RpcConnection _connection = null!; // set by StartAsync before anybody else sees this
    private bool _takesPictures;
    private string? _usualModel; // those that hold when nobody chose
    private string? _usualEffort;
    private bool _hasModes;
    private string? _notes; // of the project, until they are told

    /// <param name="home">What <c>~</c> is to the agent outside of a sandbox.</param>
    private AcpProcess(AcpAgent agent, AgentStart start, string? home, TimeProvider time)
    {
        _agent = agent;
        _start = start;
        _time = time;
        _notes = start is { ResumeId: null, Sandbox: null } ? agent.Notes?.Invoke(start.WorkingDirectory) : null;
        _tools = start.HostTools.Count > 0 ? new AcpHostTools(agent.Gate!, start.HostTools, time) : null;
        _translator = new AcpTranslator(agent,
            new AcpRequests(agent, start, (line, ct) => _connection.WriteAsync(line, ct), start.Sandbox is null ? home : null), _tools);
    }

    public ProcessIdentity? Process => _connection.Process;

    public IReadOnlyList<string> Secrets => _tools is null ? [] : [_tools.Token];

    public ChannelReader<AgentEvent> Events => _connection.Events;

    /// <param name="outside">The environment it would have without a sandbox or a way to the models through the machine.</param>
    /// <param name="environment">The one it gets.</param>
    public static async Task<AcpProcess> StartAsync(
        AcpAgent agent, string program, AgentStart start, IReadOnlyDictionary<string, string> outside,
        IReadOnlyDictionary<string, string> environment, TimeProvider time,
        CancellationToken cancellationToken)
    {
        if (start.ResumeId is { } conversation && agent.ConversationFiles?.Before(HomeOf(start, outside), conversation) == false)
        {
            start = start with { ResumeId = null };
        }

        var acp = new AcpProcess(agent, start, environment.GetValueOrDefault("HOME"), time);
        try
        {
            var (gate, server) = await acp.SetUpAsync(outside, cancellationToken);
            acp._connection = await RpcConnection.StartAsync(
                new ProcessStart
                {
                    Program = program,
                    Arguments = [.. agent.Arguments, .. gate.Arguments],
                    WorkingDirectory = start.WorkingDirectory,
                    Environment = environment.Where(v => !gate.Environment.ContainsKey(v.Key)).Concat(gate.Environment)
                        .ToDictionary(StringComparer.Ordinal),
                    Mark = start.Mark,
                },
                start.Sandbox, agent.Name, acp._translator, time, cancellationToken, gate.Needs with { Tools = acp._tools?.Socket });
            acp._tools?.Connect(acp._connection, () => acp._translator is { TurnRuns: true, Interrupting: false });
            await acp.OpenAsync(gate.SessionMetaJson ?? agent.SessionMeta?.Invoke(start, outside) ?? agent.SessionMetaJson, server,
                cancellationToken);
            // in a sandbox the program could turn folders into links meanwhile, and nobody else starts there
            if (start is { ResumeId: { } resumed, Sandbox: null })
            {
                agent.ConversationFiles?.After(HomeOf(start, outside), resumed);
            }

            return acp;
        }
        catch (Exception e)
        {
            await acp.CloseAsync();
            throw e is AgentException { Error: AgentError.Ended } && acp._connection is not null ? acp._connection.StartFailure() : e;
        }
    }

    public async ValueTask PromptAsync(AgentPrompt prompt, CancellationToken cancellationToken)
    {
        var output = new RpcOutput();
        var pictures = _takesPictures ? await Pictures.ReadAsync(prompt, cancellationToken) : [];
        lock (_connection.State)
        {
            _connection.ThrowIfEnded();
            if (_translator.TurnRuns)
            {
                throw new InvalidOperationException("A turn is running: queueing is the machine's.");
            }

            _translator.BeginTurn();
            var pieces = WithNotes(prompt);
            if (_translator.TakeUntold() is { } refusals)
            {
                pieces = [refusals, .. pieces];
            }

            output.Calls.Add(new RpcCall("session/prompt", w => AcpMessages.Prompt(w, _translator.SessionId, pieces, pictures), Ended));
            output.Events.Add(new AgentActivity(ActivityKind.Requesting));
        }

        await _connection.CarryOutAsync(output, cancellationToken);
    }

    /// <summary>A slash command goes alone: with words before it, it would be none.</summary>
    private IReadOnlyList<string> WithNotes(AgentPrompt prompt)
    {
        if (_notes is null || prompt.Text.StartsWith('/'))
        {
            return prompt.Pieces;
        }

        var told = _notes;
        _notes = null;
        return [told, .. prompt.Pieces];
    }

    public async ValueTask InterruptAsync(CancellationToken cancellationToken)
    {
        if (await _connection.CarryOutAsync(() => _translator.TurnRuns ? _translator.Interrupt() : null, cancellationToken))
        {
            await _connection.StopActsAsync();
        }
    }

    public ValueTask<bool> AnswerAsync(string requestId, AgentAnswer answer, CancellationToken cancellationToken)
        => _connection.CarryOutAsync(() => _translator.Answer(requestId, answer), cancellationToken);

    public async ValueTask SetModeAsync(string mode, CancellationToken cancellationToken)
    {
        _ = Checked(mode);
        if (!_hasModes && Option(o => o.Mode) is { } option)
        {
            await ChooseAsync(option, mode, ready => ready with { Mode = mode }, cancellationToken);
            return;
        }

        Demand(await _connection.RequestAsync(
            "session/set_mode",
            w =>
            {
                w.WriteString("sessionId", _translator.SessionId);
                w.WriteString("modeId", mode);
            },
            s_requestLimit, cancellationToken, reply => Changed(reply, ready => ready with { Mode = mode })));
    }

    public async ValueTask SetModelAsync(string? model, CancellationToken cancellationToken)
    {
        var wanted = model ?? _usualModel
            ?? throw new AgentException(AgentError.Refused, $"{_agent.Name} does not say which model is its default. Choose one.");
        if (Option(o => o.Model) is { } option)
        {
            await ChooseAsync(option, wanted, ready => ready with { Model = wanted }, cancellationToken);
            return;
        }

        Demand(await _connection.RequestAsync(
            "session/set_model",
            w =>
            {
                w.WriteString("sessionId", _translator.SessionId);
                w.WriteString("modelId", wanted);
            },
            s_requestLimit, cancellationToken, reply => Changed(reply, ready => ready with { Model = wanted })));
    }

    public async ValueTask SetEffortAsync(string? effort, CancellationToken cancellationToken)
    {
        if (Option(o => o.Effort) is not { } option)
        {
            if (effort is not null)
            {
                throw new AgentException(AgentError.Refused, $"{_agent.Name}'s effort can't be chosen with this model.");
            }

            return;
        }

        var wanted = effort ?? (option.Has(AcpOption.Default) ? AcpOption.Default : _usualEffort)
            ?? throw new AgentException(AgentError.Refused, $"{_agent.Name} does not say which effort is its default. Choose one.");
        if (!option.Has(wanted))
        {
            throw new AgentException(AgentError.Refused,
                $"{_agent.Name} has no effort {wanted} with this model. It has: {string.Join(", ", AcpOffers.Efforts(_translator.Options!))}.");
        }

        await ChooseAsync(option, wanted, ready => ready, cancellationToken);
    }

    private AcpOption? Option(Func<AcpOptions, AcpOption?> which)
    {
        lock (_connection.State)
        {
            return _translator.Options is { } options ? which(options) : null;
        }
    }

    /// <summary>The answer has all options as they are now: another model knows other efforts.</summary>
    private async Task ChooseAsync(AcpOption option, string value, Func<AgentReady, AgentReady> change, CancellationToken cancellationToken)
        => Demand(await _connection.RequestAsync(
        "session/set_config_option",
        w =>
        {
            w.WriteString("sessionId", _translator.SessionId);
            w.WriteString("configId", option.Id);
            w.WriteString("value", value);
        },
        s_requestLimit, cancellationToken, reply =>
        {
            var output = Changed(reply, change);
            if (reply.Error is null && AcpOptions.Read(reply.Result) is { } options)
            {
                _translator.OptionsChanged(options, output);
            }

            return output;
        }));

    public async ValueTask DisposeAsync()
    {
        try
        {
            await InterruptAsync(CancellationToken.None);
        }
        catch (AgentException)
        {
            // it is gone or does not listen: the kill does not ask
        }

        await CloseAsync();
    }

    private static string HomeOf(AgentStart start, IReadOnlyDictionary<string, string> outside) => start.Sandbox?.StateDirectory
        ?? outside.GetValueOrDefault("HOME") ?? "/";

    private async Task CloseAsync()
    {
        if (_tools is not null)
        {
            await _tools.DisposeAsync();
        }

        if (_connection is not null)
        {
            await _connection.DisposeAsync();
        }
    }

    /// <summary>Opens our tools and makes the settings that lead the agent to them, and to no others.</summary>
    private async Task<(AcpGateSetup Gate, AcpToolServer? Server)> SetUpAsync(
        IReadOnlyDictionary<string, string> outside, CancellationToken cancellationToken)
    {
        if (_tools is null)
        {
            return (new AcpGateSetup(), null);
        }

        try
        {
            var url = _start.Sandbox is null ? await _tools.ListenAsync(cancellationToken)
                : McpToolEndpoint.UrlAt(AgentToolSocket.UsualPort);
            var gate = _agent.Gate!.SetUp(new AcpGateInput(_start, url, _tools.Token, outside));
            return (gate, gate.NamesServer ? new AcpToolServer(url, _tools.Token) : null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AgentException(
                AgentError.FailedToStart, $"What keeps {_agent.Name} from acting by itself could not be made: {e.Message}", e);
        }
    }

    private async Task OpenAsync(string? metaJson, AcpToolServer? server, CancellationToken cancellationToken)
    {
        var hello = Demand(await _connection.RequestAsync(
            "initialize", w => AcpMessages.Initialize(w, _agent), s_initializeLimit, cancellationToken));
        if (hello.Number("protocolVersion") != AcpMessages.Version)
        {
            throw new AgentException(AgentError.FailedToStart,
                $"{_agent.Name} speaks another version of the protocol ({hello.Number("protocolVersion")}); {AcpMessages.Version} is needed.");
        }

        var capabilities = hello.Object("agentCapabilities") ?? default;
        _takesPictures = _agent.Images && capabilities.Object("promptCapabilities")?.IsTrue("image") == true;
        if (server is not null && capabilities.Object("mcpCapabilities")?.IsTrue("http") != true)
        {
            throw new AgentException(AgentError.FailedToStart, $"{_agent.Name} takes no tools from us in this version.");
        }

        var method = _start.ResumeId is null ? "session/new"
            : capabilities.Object("sessionCapabilities")?.Member("resume") is not null ? "session/resume"
            : capabilities.IsTrue("loadSession") ? "session/load"
            : throw new AgentException(AgentError.NotFound, $"{_agent.Name} can't continue an earlier conversation.");
        lock (_connection.State)
        {
            _translator.SessionId = _start.ResumeId ?? "";
            _translator.IsLoading = _start.ResumeId is not null;
        }

        var reply = await _connection.RequestAsync(
            method, w => AcpMessages.Session(w, metaJson, _start.WorkingDirectory, _start.ResumeId, server), s_initializeLimit,
            cancellationToken, r => Opened(r, hello.Object("agentInfo")?.Text("version")));
        if (reply.Error is { } error)
        {
            throw new AgentException(
                _start.ResumeId is not null && reply.Code != AcpMessages.AuthRequired ? AgentError.NotFound : AgentError.FailedToStart,
                reply.Code == AcpMessages.AuthRequired
                    ? $"{_agent.Name} is not logged in: start it in a terminal once and log in. ({_connection.Redact(error)})"
                    : $"{_agent.Name} could not open the conversation: {_connection.Redact(error)}");
        }

        if (_translator.SessionId.Length == 0)
        {
            throw new AgentException(AgentError.FailedToStart, $"{_agent.Name} opened no conversation.");
        }

        if (_tools is not null)
        {
            await _tools.ListedAsync(_agent.Name, cancellationToken);
        }

        if (method == "session/load")
        {
            await PlayedBackAsync(cancellationToken);
        }

        lock (_connection.State)
        {
            _translator.IsLoading = false;
        }

        var mode = CurrentMode(reply.Result, AcpOptions.Read(reply.Result));
        var wanted = _start.Mode ?? (_agent.Modes.Count > 0 && mode is not null
            && !_agent.Modes.Contains(mode, StringComparer.Ordinal) ? _agent.Modes[0] : null);
        if (wanted is not null && wanted != mode)
        {
            await SetModeAsync(wanted, cancellationToken);
        }

        if (_start.Model is not null)
        {
            await SetModelAsync(_start.Model, cancellationToken);
        }

        // what the model does not know is no reason not to work
        if (_start.Effort is { } effort && Option(o => o.Effort) is { } option && option.Current != effort && option.Has(effort))
        {
            await SetEffortAsync(effort, cancellationToken);
        }
    }

    private static string? CurrentMode(JsonElement session, AcpOptions? options) => session.Object("modes")?.Text("currentModeId")
        ?? options?.Mode?.Current;

    /// <summary>
    /// Gemini CLI 0.61.0 answers before it has played the old conversation back, and nothing marks its end: what came after the first
    /// prompt could not be told from an answer to it. So that is over when nothing has come for a moment.
    /// </summary>
    private async Task PlayedBackAsync(CancellationToken cancellationToken)
    {
        for (var (seen, looks) = (-1, 0); looks < MostLooks; looks++)
        {
            int now;
            lock (_connection.State)
            {
                now = _translator.PlayedBack;
            }

            if (now == seen)
            {
                return;
            }

            seen = now;
            await Task.Delay(s_quiet, _time, cancellationToken);
        }
    }

    /// <summary>Runs in the order of the agent's words, so that the first event is that it is ready.</summary>
    private RpcOutput Opened(RpcReply reply, string? version)
    {
        var output = new RpcOutput();
        var id = _start.ResumeId ?? reply.Result.Text("sessionId");
        if (reply.Error is not null || id is null)
        {
            return output;
        }

        _translator.SessionId = id;
        var options = AcpOptions.Read(reply.Result);
        _hasModes = reply.Result.Object("modes") is not null;
        _usualModel = options?.Model is { } models ? models.Has(AcpOption.Default) ? AcpOption.Default : models.Current
            : reply.Result.Object("models")?.Text("currentModelId");
        _usualEffort = options?.Effort?.Current;
        _translator.Options = options;
        _translator.Ready = new AgentReady(id)
        {
            Mode = CurrentMode(reply.Result, options),
            Model = options?.Model?.Current ?? reply.Result.Object("models")?.Text("currentModelId"),
            Version = version,
            Models = AcpOffers.Models(reply.Result, options),
            Efforts = AcpOffers.Efforts(options ?? new AcpOptions(null, null, null)),
        };
        output.Events.Add(_translator.Ready);
        return output;
    }

    private RpcOutput Changed(RpcReply reply, Func<AgentReady, AgentReady> change)
    {
        var output = new RpcOutput();
        if (reply.Error is null && _translator.Ready is { } ready && change(ready) is var now && now != ready)
        {
            _translator.Ready = now;
            output.Events.Add(now);
        }

        return output;
    }

    private RpcOutput Ended(RpcReply reply)
        => _translator.Ended(reply.Error is null ? reply : reply with
        { Error = _connection.Redact(reply.Error.Replace("Internal error: ", "", StringComparison.Ordinal)) });

    private string Checked(string mode)
        => _agent.Modes.Contains(mode, StringComparer.Ordinal) ? mode
            : throw new AgentException(AgentError.Refused, $"{mode} is no mode of {_agent.Name} here.");

    private JsonElement Demand(RpcReply reply)
        => reply.Error is null ? reply.Result
            : throw new AgentException(AgentError.Refused, $"{_agent.Name} said no: {_connection.Redact(reply.Error)}");
}

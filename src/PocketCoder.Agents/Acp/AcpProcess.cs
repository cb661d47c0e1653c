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
    private static readonly TimeSpan InitializeLimit = TimeSpan.FromSeconds(90);

    private static readonly TimeSpan RequestLimit = TimeSpan.FromSeconds(20);

    /// <summary>An old conversation that is played back pauses for less than this, and is cut off after that many of them.</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(400);
    private const int MostLooks = 25;

    private readonly AcpAgent agent;
    private readonly AgentStart start;
    private readonly AcpTranslator translator;
    private readonly TimeProvider time;
    private readonly AcpHostTools? tools;
    private RpcConnection connection = null!; // set by StartAsync before anybody else sees this
    private bool takesPictures;
    private string? usualModel; // those that hold when nobody chose
    private string? usualEffort;
    private bool hasModes;

    private AcpProcess(AcpAgent agent, AgentStart start, TimeProvider time)
    {
        this.agent = agent;
        this.start = start;
        this.time = time;
        tools = start.HostTools.Count > 0 ? new AcpHostTools(agent.Gate!, start.HostTools, time) : null;
        translator = new AcpTranslator(agent, new AcpRequests(agent, start.WorkingDirectory, (line, ct) => connection.WriteAsync(line, ct)), tools);
    }

    public ProcessIdentity? Process => connection.Process;

    public ChannelReader<AgentEvent> Events => connection.Events;

    /// <param name="outside">The environment it would have without a room or a way to the models through the machine.</param>
    /// <param name="environment">The one it gets.</param>
    public static async Task<AcpProcess> StartAsync(
        AcpAgent agent, string program, AgentStart start, IReadOnlyDictionary<string, string> outside, IReadOnlyDictionary<string, string> environment, TimeProvider time,
        CancellationToken cancellationToken)
    {
        var acp = new AcpProcess(agent, start, time);
        try
        {
            var (gate, server) = await acp.SetUpAsync(outside, cancellationToken);
            acp.connection = await RpcConnection.StartAsync(
                new ProcessStart
                {
                    Program = program,
                    Arguments = [.. agent.Arguments, .. gate.Arguments],
                    WorkingDirectory = start.WorkingDirectory,
                    Environment = environment.Where(v => !gate.Environment.ContainsKey(v.Key)).Concat(gate.Environment).ToDictionary(StringComparer.Ordinal),
                    Mark = start.Mark,
                },
                start.Room, agent.Name, acp.translator, time, cancellationToken, gate.Needs with { Tools = acp.tools?.Door });
            acp.tools?.Connect(acp.connection, () => acp.translator is { TurnRuns: true, Interrupting: false });
            await acp.OpenAsync(gate.SessionMetaJson ?? agent.SessionMetaJson, server, cancellationToken);
            return acp;
        }
        catch (Exception e)
        {
            await acp.CloseAsync();
            throw e is AgentException { Error: AgentError.Ended } && acp.connection is not null ? acp.connection.StartFailure() : e;
        }
    }

    public async ValueTask PromptAsync(AgentPrompt prompt, CancellationToken cancellationToken)
    {
        var output = new RpcOutput();
        var pictures = takesPictures ? await Pictures.ReadAsync(prompt, cancellationToken) : [];
        lock (connection.State)
        {
            connection.ThrowIfEnded();
            if (translator.TurnRuns)
            {
                throw new InvalidOperationException("A turn is running: queueing is the machine's.");
            }

            translator.BeginTurn();
            output.Calls.Add(new RpcCall("session/prompt", w => AcpMessages.Prompt(w, translator.SessionId, prompt.Pieces, pictures), Ended));
            output.Events.Add(new AgentActivity(ActivityKind.Requesting));
        }

        await connection.CarryOutAsync(output, cancellationToken);
    }

    public async ValueTask InterruptAsync(CancellationToken cancellationToken)
    {
        RpcOutput output;
        lock (connection.State)
        {
            if (!translator.TurnRuns)
            {
                return;
            }

            output = translator.Interrupt();
        }

        await connection.CarryOutAsync(output, cancellationToken);
        await connection.StopActsAsync();
    }

    public async ValueTask<bool> AnswerAsync(string requestId, AgentAnswer answer, CancellationToken cancellationToken)
    {
        RpcOutput? output;
        lock (connection.State)
        {
            output = translator.Answer(requestId, answer);
        }

        if (output is null)
        {
            return false;
        }

        await connection.CarryOutAsync(output, cancellationToken);
        return true;
    }

    public async ValueTask SetModeAsync(string mode, CancellationToken cancellationToken)
    {
        _ = Checked(mode);
        if (!hasModes && Option(o => o.Mode) is { } option)
        {
            await ChooseAsync(option, mode, ready => ready with { Mode = mode }, cancellationToken);
            return;
        }

        Demand(await connection.RequestAsync(
            "session/set_mode",
            w =>
            {
                w.WriteString("sessionId", translator.SessionId);
                w.WriteString("modeId", mode);
            },
            RequestLimit, cancellationToken, reply => Changed(reply, ready => ready with { Mode = mode })));
    }

    public async ValueTask SetModelAsync(string? model, CancellationToken cancellationToken)
    {
        var wanted = model ?? usualModel ?? throw new AgentException(AgentError.Refused, $"{agent.Name} does not say which model is its default. Choose one.");
        if (Option(o => o.Model) is { } option)
        {
            await ChooseAsync(option, wanted, ready => ready with { Model = wanted }, cancellationToken);
            return;
        }

        Demand(await connection.RequestAsync(
            "session/set_model",
            w =>
            {
                w.WriteString("sessionId", translator.SessionId);
                w.WriteString("modelId", wanted);
            },
            RequestLimit, cancellationToken, reply => Changed(reply, ready => ready with { Model = wanted })));
    }

    public async ValueTask SetEffortAsync(string? effort, CancellationToken cancellationToken)
    {
        if (Option(o => o.Effort) is not { } option)
        {
            if (effort is not null)
            {
                throw new AgentException(AgentError.Refused, $"{agent.Name}'s effort can't be chosen with this model.");
            }

            return;
        }

        var wanted = effort ?? (option.Has(AcpOption.Default) ? AcpOption.Default : usualEffort) ?? throw new AgentException(AgentError.Refused, $"{agent.Name} does not say which effort is its default. Choose one.");
        if (!option.Has(wanted))
        {
            throw new AgentException(AgentError.Refused, $"{agent.Name} has no effort {wanted} with this model. It has: {string.Join(", ", AcpOffers.Efforts(translator.Options!))}.");
        }

        await ChooseAsync(option, wanted, ready => ready, cancellationToken);
    }

    private AcpOption? Option(Func<AcpOptions, AcpOption?> which)
    {
        lock (connection.State)
        {
            return translator.Options is { } options ? which(options) : null;
        }
    }

    /// <summary>The answer has all options as they are now: another model knows other efforts.</summary>
    private async Task ChooseAsync(AcpOption option, string value, Func<AgentReady, AgentReady> change, CancellationToken cancellationToken) => Demand(await connection.RequestAsync(
        "session/set_config_option",
        w =>
        {
            w.WriteString("sessionId", translator.SessionId);
            w.WriteString("configId", option.Id);
            w.WriteString("value", value);
        },
        RequestLimit, cancellationToken, reply =>
        {
            var output = Changed(reply, change);
            if (reply.Error is null && AcpOptions.Read(reply.Result) is { } options)
            {
                translator.OptionsChanged(options, output);
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

    private async Task CloseAsync()
    {
        if (tools is not null)
        {
            await tools.DisposeAsync();
        }

        if (connection is not null)
        {
            await connection.DisposeAsync();
        }
    }

    /// <summary>Opens our tools and makes the settings that lead the agent to them, and to no others.</summary>
    private async Task<(AcpGateSetup Gate, AcpToolServer? Server)> SetUpAsync(IReadOnlyDictionary<string, string> outside, CancellationToken cancellationToken)
    {
        if (tools is null)
        {
            return (new AcpGateSetup(), null);
        }

        try
        {
            var url = start.Room is null ? await tools.ListenAsync(cancellationToken) : McpToolEndpoint.UrlAt(AgentToolDoor.UsualPort);
            var gate = agent.Gate!.SetUp(new AcpGateInput(start, url, tools.Token, outside));
            return (gate, gate.NamesServer ? new AcpToolServer(url, tools.Token) : null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AgentException(AgentError.FailedToStart, $"What keeps {agent.Name} from acting by itself could not be made: {e.Message}", e);
        }
    }

    private async Task OpenAsync(string? metaJson, AcpToolServer? server, CancellationToken cancellationToken)
    {
        var hello = Demand(await connection.RequestAsync("initialize", w => AcpMessages.Initialize(w, agent), InitializeLimit, cancellationToken));
        if (hello.Number("protocolVersion") != AcpMessages.Version)
        {
            throw new AgentException(AgentError.FailedToStart, $"{agent.Name} speaks another version of the protocol ({hello.Number("protocolVersion")}); {AcpMessages.Version} is needed.");
        }

        var capabilities = hello.Object("agentCapabilities") ?? default;
        takesPictures = agent.Images && capabilities.Object("promptCapabilities")?.IsTrue("image") == true;
        if (server is not null && capabilities.Object("mcpCapabilities")?.IsTrue("http") != true)
        {
            throw new AgentException(AgentError.FailedToStart, $"{agent.Name} takes no tools from us in this version.");
        }

        var method = start.ResumeId is null ? "session/new"
            : capabilities.Object("sessionCapabilities")?.Member("resume") is not null ? "session/resume"
            : capabilities.IsTrue("loadSession") ? "session/load"
            : throw new AgentException(AgentError.NotFound, $"{agent.Name} can't go on with an earlier conversation.");
        lock (connection.State)
        {
            translator.SessionId = start.ResumeId ?? "";
            translator.IsLoading = start.ResumeId is not null;
        }

        var reply = await connection.RequestAsync(
            method, w => AcpMessages.Session(w, metaJson, start.WorkingDirectory, start.ResumeId, server), InitializeLimit, cancellationToken, r => Opened(r, hello.Object("agentInfo")?.Text("version")));
        if (reply.Error is { } error)
        {
            throw new AgentException(
                start.ResumeId is not null && reply.Code != AcpMessages.AuthRequired ? AgentError.NotFound : AgentError.FailedToStart,
                reply.Code == AcpMessages.AuthRequired ? $"{agent.Name} is not logged in: start it in a terminal once and log in. ({connection.Redact(error)})" : $"{agent.Name} could not open the conversation: {connection.Redact(error)}");
        }

        if (translator.SessionId.Length == 0)
        {
            throw new AgentException(AgentError.FailedToStart, $"{agent.Name} opened no conversation.");
        }

        if (tools is not null)
        {
            await tools.ListedAsync(agent.Name, cancellationToken);
        }

        if (method == "session/load")
        {
            await PlayedBackAsync(cancellationToken);
        }

        lock (connection.State)
        {
            translator.IsLoading = false;
        }

        var mode = CurrentMode(reply.Result, AcpOptions.Read(reply.Result));
        var wanted = start.Mode ?? (agent.Modes.Count > 0 && mode is not null && !agent.Modes.Contains(mode, StringComparer.Ordinal) ? agent.Modes[0] : null);
        if (wanted is not null && wanted != mode)
        {
            await SetModeAsync(wanted, cancellationToken);
        }

        if (start.Model is not null)
        {
            await SetModelAsync(start.Model, cancellationToken);
        }

        if (start.Effort is { } effort && Option(o => o.Effort) is { } option && option.Current != effort && option.Has(effort)) // what the model does not know is no reason not to work
        {
            await SetEffortAsync(effort, cancellationToken);
        }
    }

    private static string? CurrentMode(JsonElement session, AcpOptions? options) => session.Object("modes")?.Text("currentModeId") ?? options?.Mode?.Current;

    /// <summary>
    /// Gemini CLI 0.61.0 answers before it has played the old conversation back, and nothing marks its end: what came after the first prompt could not be told
    /// from an answer to it. So that is over when nothing has come for a moment.
    /// </summary>
    private async Task PlayedBackAsync(CancellationToken cancellationToken)
    {
        for (var (seen, looks) = (-1, 0); looks < MostLooks; looks++)
        {
            int now;
            lock (connection.State)
            {
                now = translator.PlayedBack;
            }

            if (now == seen)
            {
                return;
            }

            seen = now;
            await Task.Delay(Quiet, time, cancellationToken);
        }
    }

    /// <summary>Runs in the order of the agent's words, so that the first event is that it is ready.</summary>
    private RpcOutput Opened(RpcReply reply, string? version)
    {
        var output = new RpcOutput();
        var id = start.ResumeId ?? reply.Result.Text("sessionId");
        if (reply.Error is not null || id is null)
        {
            return output;
        }

        translator.SessionId = id;
        var options = AcpOptions.Read(reply.Result);
        hasModes = reply.Result.Object("modes") is not null;
        usualModel = options?.Model is { } models ? models.Has(AcpOption.Default) ? AcpOption.Default : models.Current : reply.Result.Object("models")?.Text("currentModelId");
        usualEffort = options?.Effort?.Current;
        translator.Options = options;
        translator.Ready = new AgentReady(id)
        {
            Mode = CurrentMode(reply.Result, options),
            Model = options?.Model?.Current ?? reply.Result.Object("models")?.Text("currentModelId"),
            Version = version,
            Models = AcpOffers.Models(reply.Result, options),
            Efforts = AcpOffers.Efforts(options ?? new AcpOptions(null, null, null)),
        };
        output.Events.Add(translator.Ready);
        return output;
    }

    private RpcOutput Changed(RpcReply reply, Func<AgentReady, AgentReady> change)
    {
        var output = new RpcOutput();
        if (reply.Error is null && translator.Ready is { } ready && change(ready) is var now && now != ready)
        {
            translator.Ready = now;
            output.Events.Add(now);
        }

        return output;
    }

    private RpcOutput Ended(RpcReply reply)
        => translator.Ended(reply.Error is null ? reply : reply with { Error = connection.Redact(reply.Error.Replace("Internal error: ", "", StringComparison.Ordinal)) });

    private string Checked(string mode)
        => agent.Modes.Contains(mode, StringComparer.Ordinal) ? mode : throw new AgentException(AgentError.Refused, $"{mode} is no mode of {agent.Name} here.");

    private JsonElement Demand(RpcReply reply)
        => reply.Error is null ? reply.Result : throw new AgentException(AgentError.Refused, $"{agent.Name} said no: {connection.Redact(reply.Error)}");
}

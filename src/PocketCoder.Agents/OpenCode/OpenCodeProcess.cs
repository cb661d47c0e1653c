using System.Security.Cryptography;
using System.Text.Json;
using System.Threading.Channels;
using PocketCoder.Agents.Shared;
using PocketCoder.Agents.Shared.Acting;
using PocketCoder.Agents.Shared.Mcp;
using PocketCoder.Processes;

namespace PocketCoder.Agents.OpenCode;

/// <summary>One running <c>opencode serve</c> with one conversation in it.</summary>
internal sealed class OpenCodeProcess : IAgentProcess, IMcpCalls
{
    /// <summary>How long it may take until OpenCode has asked for our tools and looked at the project.</summary>
    private static readonly TimeSpan s_readyLimit = TimeSpan.FromSeconds(30);

    private readonly AgentStart _start;
    private readonly bool _gated;
    private readonly TimeProvider _time;
    private readonly IReadOnlyDictionary<string, string> _commandEnvironment = EnvironmentAllowList.SelectFromOwn();
    private readonly IReadOnlyList<HostTool> _tools;
    private readonly McpToolEndpoint _endpoint;
    private readonly OpenCodeTranslator _translator;
    private readonly string _notes;
    private readonly string _password = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
    private readonly OpenCodeSandbox? _sandbox;
    private OpenCodeServer _server = null!; // set by StartAsync before anybody else sees this
    private string _mode;
    private OpenCodeModel? _model;
    private OpenCodeModel? _defaultModel;

    private OpenCodeProcess(AgentStart start, OpenCodeSandbox? sandbox, TimeProvider time)
    {
        (_start, _sandbox, _time) = (start, sandbox, time);
        _notes = OpenCodeNotes.Read(start.WorkingDirectory);
        _gated = start.HostTools.Count > 0;
        _tools = _gated ? start.HostTools : [OpenCodeShell.Tool];
        _endpoint = new McpToolEndpoint(_tools, this, time);
        _translator = new OpenCodeTranslator(start.WorkingDirectory, new ReadRules(start), _gated, time,
            (id, answer) => _endpoint.Answer(id, answer), () => _endpoint.DropAll());
        _mode = OpenCodeModes.Checked(start.Mode ?? OpenCodeModes.Default);
        _model = start.Model is { } name ? Checked(name) : null;
    }

    public ProcessIdentity? Process => _server.Process;

    public IReadOnlyList<string> Secrets => [_password, _endpoint.Token];

    public ChannelReader<AgentEvent> Events => _server.Events;

    public static async Task<OpenCodeProcess> StartAsync(
        string program, AgentStart start, OpenCodeSandbox? sandbox, IReadOnlyDictionary<string, string> environment, TimeProvider time,
        CancellationToken cancellationToken)
    {
        var openCode = new OpenCodeProcess(start, sandbox, time);
        try
        {
            sandbox?.Prepare(sandbox.Catalog(program, environment));
            var url = sandbox is null ? await openCode._endpoint.ListenAsync(cancellationToken)
                : McpToolEndpoint.UrlAt(AgentToolSocket.UsualPort);
            var child = new ProcessStart
            {
                Program = program,
                Arguments = ["serve", "--hostname", "127.0.0.1", "--port", "0"],
                WorkingDirectory = start.WorkingDirectory,
                Environment = OpenCodeEnvironment.For(
                    sandbox is null ? environment : OpenCodeEnvironment.ForSandbox(sandbox, environment),
                    OpenCodeSettings.Json(openCode._gated, url, openCode._endpoint.Token, sandbox), openCode._password),
                Mark = start.Mark,
            };
            openCode._server = await OpenCodeServer.StartAsync(
                child, sandbox is null ? null : openCode.StartInSandboxAsync, openCode._password, time, cancellationToken);
        }
        catch (Exception e)
        {
            await openCode._endpoint.DisposeAsync();
            throw e is IOException ? new AgentException(
                AgentError.FailedToStart, $"Our tools could not be offered to OpenCode: {e.Message}", e) : e;
        }

        try
        {
            await openCode._server.ReadEventsAsync(openCode._translator, cancellationToken);
            await openCode.OpenAsync(cancellationToken);
            return openCode;
        }
        catch (Exception e)
        {
            await openCode.DisposeAsync();
            throw e is AgentException { Error: AgentError.Ended } ? openCode._server.StartFailure(e) : e;
        }
    }

    public async ValueTask PromptAsync(AgentPrompt prompt, CancellationToken cancellationToken)
    {
        OpenCodeCall call;
        var pictures = await Pictures.ReadAsync(prompt, cancellationToken);
        lock (_server.State)
        {
            _server.ThrowIfEnded();
            if (_translator.TurnRuns)
            {
                throw new InvalidOperationException("A turn is running: queueing is the machine's.");
            }

            var message = OpenCodeIds.Message(_time);
            _translator.BeginTurn(message);
            _translator.Planning = _mode == OpenCodeModes.Plan;
            call = OpenCodeCall.Post($"/session/{_translator.SessionId}/prompt_async",
                Turn(message, prompt.Pieces, pictures, _mode, _model), _translator.Prompted);
        }

        await _server.CarryOutAsync(new OpenCodeOutput { Calls = { call } }, cancellationToken);
    }

    public async ValueTask InterruptAsync(CancellationToken cancellationToken)
    {
        OpenCodeCall call;
        lock (_server.State)
        {
            if (!_translator.TurnRuns)
            {
                return;
            }

            call = _translator.Interrupt();
        }

        await _server.StopActsAsync();
        await _server.CarryOutAsync(new OpenCodeOutput { Calls = { call } }, cancellationToken);
    }

    public async ValueTask<bool> AnswerAsync(string requestId, AgentAnswer answer, CancellationToken cancellationToken)
    {
        OpenCodeOutput? output;
        lock (_server.State)
        {
            output = _translator.Answer(requestId, answer, RunAsync);
        }

        if (output is null)
        {
            return false;
        }

        await _server.CarryOutAsync(output, cancellationToken);
        return true;
    }

    public ValueTask SetModeAsync(string mode, CancellationToken cancellationToken)
    {
        lock (_server.State)
        {
            _mode = OpenCodeModes.Checked(mode);
        }

        return ValueTask.CompletedTask; // told with the next turn
    }

    public ValueTask SetModelAsync(string? model, CancellationToken cancellationToken)
    {
        lock (_server.State)
        {
            // Without a name it would go on with the last one of the conversation.
            _model = model is not null ? Checked(model) : _defaultModel
                ?? throw new AgentException(AgentError.Refused, "OpenCode's settings name no model to go back to. Choose one.");
        }

        return ValueTask.CompletedTask; // told with the next turn
    }

    async ValueTask<bool> IMcpCalls.CalledAsync(McpCall call, CancellationToken cancellationToken)
    {
        var said = false;
        if (_server is { HasEnded: false })
        {
            await _server.SayAsync(
                () =>
                {
                    var output = new OpenCodeOutput();
                    said = _translator.Called(call, output);
                    return output;
                },
                cancellationToken);
        }

        return said;
    }

    async ValueTask IMcpCalls.WithdrawnAsync(McpCall call, CancellationToken cancellationToken)
    {
        try
        {
            if (_server is { HasEnded: false })
            {
                await _server.SayAsync(
                    () => _translator.Withdrawn(call) ? new OpenCodeOutput
                    { Events = { new AgentRequestWithdrawn(call.RequestId) } } : new OpenCodeOutput(),
                    cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            // nobody reads any more
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _endpoint.DisposeAsync();
        await _server.DisposeAsync();
    }

    /// <summary>Runs an allowed command of ours and answers its call.</summary>
    private async Task RunAsync(string requestId, ShellCommand command, OpenCodeToolUse use, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested(); // stopped between the answer and now: nothing begins
        var result = await command.RunAsync(_commandEnvironment, _start.Mark, _time, cancellationToken);
        lock (_server.State)
        {
            use.ExitCode = result.ExitCode;
        }

        _endpoint.Answer(requestId, new AgentAnswer.HostResult(command.Words(result), IsError: result.ExitCode is null));
    }

    private async Task OpenAsync(CancellationToken cancellationToken)
    {
        var session = await SessionAsync(cancellationToken);
        var id = session.Text("id") ?? throw Doubt("no conversation");
        if (!OpenCodeIds.Session().IsMatch(id))
        {
            throw Doubt("its id");
        }

        _translator.SessionId = id;
        if (!OpenCodeRules.Hold(session, _gated))
        {
            session = Demand(await _server.SendAsync(
                new OpenCodeCall(HttpMethod.Patch, Of(id), LineJson.Write(w => OpenCodeRules.WriteSession(w, _gated))), cancellationToken));
        }

        if (!OpenCodeRules.Hold(session, _gated))
        {
            throw Doubt("its rules");
        }

        await CheckToolsAsync(cancellationToken);
        var health = await _server.SendAsync(OpenCodeCall.Get("/global/health"), cancellationToken);
        var models = await ModelsAsync(session, cancellationToken);
        var ready = new AgentReady(id)
        { Model = models.Name, Mode = _mode, Version = health.Body.Text("version"), Tools = [.. _tools.Select(t => t.Name)] };
        _translator.Window = models.Window;
        await _server.SayAsync(() => new OpenCodeOutput { Events = { ready } }, cancellationToken);
    }

    private async Task<JsonElement> SessionAsync(CancellationToken cancellationToken)
    {
        if (_start.ResumeId is not { } resume)
        {
            return Demand(await _server.SendAsync(
                OpenCodeCall.Post("/session", w => OpenCodeRules.WriteSession(w, _gated)), cancellationToken));
        }

        var there = await _server.SendAsync(OpenCodeCall.Get(Of(resume)), cancellationToken);
        if (there.Status == 404 || (there.IsOk && there.Body.Text("directory") != _start.WorkingDirectory))
        {
            throw new AgentException(AgentError.NotFound, "OpenCode has no such conversation for this directory.");
        }

        return _start.Fork ? Demand(await _server.SendAsync(OpenCodeCall.Post($"{Of(resume)}/fork"), cancellationToken)) : Demand(there);
    }

    /// <summary>What is offered must be what was agreed on: no tool of anybody's code, and ours there.</summary>
    private async Task CheckToolsAsync(CancellationToken cancellationToken)
    {
        var ids = Demand(await _server.SendAsync(OpenCodeCall.Get("/experimental/tool/ids"), cancellationToken));
        if (ids.ValueKind != JsonValueKind.Array || ids.EnumerateArray().Select(t => t.AsText())
            .FirstOrDefault(t => t is null || !OpenCodeRules.Known.Contains(t)) is { } foreign)
        {
            throw Doubt("a tool that is not known");
        }

        // It connects to tool servers when it is asked about them, or at its first prompt.
        var servers = Demand(await _server.SendAsync(OpenCodeCall.Get("/mcp"), cancellationToken));
        if (servers.Object(McpToolEndpoint.ServerName)?.Text("status") != "connected" || (_gated && servers.EnumerateObject().Count() != 1))
        {
            throw Doubt("its tool servers");
        }

        try
        {
            await _endpoint.ToolsListed.WaitAsync(s_readyLimit, _time, cancellationToken);
        }
        catch (TimeoutException e)
        {
            throw new AgentException(AgentError.FailedToStart, "OpenCode did not take our tools. It was ended.", e);
        }
    }

    /// <summary>The model to begin with, and how much it takes. What can't be told is left out.</summary>
    private async Task<(string? Name, long? Window)> ModelsAsync(JsonElement session, CancellationToken cancellationToken)
    {
        var config = await _server.SendAsync(OpenCodeCall.Get("/config"), cancellationToken);
        _defaultModel = config.Body.Text("model") is { } usual && OpenCodeModel.TryParse(usual, out var named) ? named : null;
        if (_start is { ResumeId: not null, BegunElsewhere: false })
        {
            // else it goes on with the last one of the conversation, which may have been chosen then and is not any more
            _model ??= _defaultModel;
        }

        var name = _model?.ToString()
            ?? (session.Object("model") is { } last && last.Text("providerID") is { } provider
                && last.Text("id") is { } id ? $"{provider}/{id}" : config.Body.Text("model"));
        if (name is null || name.IndexOf('/', StringComparison.Ordinal) is not (> 0 and var at))
        {
            return (name, null);
        }

        var known = await _server.SendAsync(OpenCodeCall.Get("/config/providers"), cancellationToken);
        var window = known.Body.Items("providers").FirstOrDefault(p => p.Text("id") == name[..at])
            .Object("models")?.Object(name[(at + 1)..])?.Object("limit")?.Number("context");
        return (name, window is > 0 ? window : null);
    }

    private Action<Utf8JsonWriter> Turn(
        string message, IReadOnlyList<string> pieces, IReadOnlyList<Picture> pictures, string mode, OpenCodeModel? model) => w =>
    {
        w.WriteString("messageID", message);
        w.WriteString("agent", OpenCodeModes.AgentOf(mode));
        if (model is not null)
        {
            w.WriteStartObject("model");
            w.WriteString("providerID", model.Provider);
            w.WriteString("modelID", model.Model);
            w.WriteEndObject();
        }

        w.WriteString("system", _notes);
        w.WriteStartArray("parts");
        foreach (var picture in pictures)
        {
            w.WriteStartObject();
            w.WriteString("type", "file");
            w.WriteString("mime", picture.MediaType);
            // a path it would open by itself, past what is asked
            w.WriteString("url", $"data:{picture.MediaType};base64,{Convert.ToBase64String(picture.Bytes)}");
            w.WriteEndObject();
        }

        TextParts.Write(w, pieces);
        w.WriteEndArray();
    };

    private Task<IAgentChild> StartInSandboxAsync(ProcessStart child, CancellationToken cancellationToken)
    {
        var socket = new AgentToolSocket(
            AgentToolSocket.UsualPort, (path, mode, ct) => _endpoint.ListenAsync(path, mode, AgentToolSocket.UsualPort, ct));
        return _sandbox!.Sandbox.StartAsync(child, _sandbox.Needs(socket), cancellationToken);
    }

    private OpenCodeModel Checked(string name) => OpenCodeModel.Parse(name) is var wanted
        && _sandbox is not null ? _sandbox.Checked(wanted) : wanted;

    private static string Of(string session) => $"/session/{Uri.EscapeDataString(session)}";

    private JsonElement Demand(OpenCodeReply reply)
        => reply.IsOk ? reply.Body : throw new AgentException(
            AgentError.FailedToStart, $"OpenCode could not open the conversation: {_server.Redact(BoundedText.OneLine(reply.Words))}");

    private static AgentException Doubt(string what)
        => new(AgentError.FailedToStart, $"OpenCode did not accept what keeps it from acting by itself ({what}). It was ended.");
}

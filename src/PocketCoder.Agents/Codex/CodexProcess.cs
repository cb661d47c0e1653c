using System.Text.Json;
using System.Threading.Channels;
using PocketCoder.Agents.Shared;
using PocketCoder.Agents.Shared.Rpc;
using PocketCoder.Processes;

namespace PocketCoder.Agents.Codex;

/// <summary>One running <c>codex app-server</c> with one thread in it.</summary>
internal sealed class CodexProcess : IAgentProcess
{
    private const string Name = "Codex";

    private static readonly TimeSpan s_initializeLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_steerLimit = TimeSpan.FromSeconds(10);

    /// <summary>
    /// So long a conversation that goes on waits for the list of models, which says what the default is: mostly milliseconds.
    /// </summary>
    private static readonly TimeSpan s_listLimit = TimeSpan.FromSeconds(2);

    private readonly AgentStart _start;
    private readonly TimeProvider _time;
    private readonly CodexSentNotes _told;
    private readonly TaskCompletionSource _listed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CodexTools _tools;
    private readonly CodexTranslator _translator;
    private RpcConnection _connection = null!; // set by StartAsync before anybody else sees this
    private string _mode = CodexModes.Default;
    private string _saidMode = CodexModes.Default; // what Codex was told last
    private string? _model;
    private string _threadModel = "";
    private string? _effort; // the thread's own
    private string? _chosenEffort;
    private CodexDefaults _defaults = CodexDefaults.None;
    private AgentReady? _ready;

    private CodexProcess(AgentStart start, CodexSentNotes told, TimeProvider time)
    {
        (_start, _told, _time) = (start, told, time);
        _tools = new CodexTools(start.HostTools);
        var reader = new CodexCallReader(start, _tools, EnvironmentAllowList.SelectFromOwn(), time);
        _translator = new CodexTranslator(reader, _tools, time, (line, ct) => _connection.WriteAsync(line, ct)) { NextTurn = AfterPlan };
    }

    public ProcessIdentity? Process => _connection.Process;

    public ChannelReader<AgentEvent> Events => _connection.Events;

    /// <param name="told">Which notes of the project each conversation was told.</param>
    /// <param name="earlier">Words of an earlier conversation that a new one begins with.</param>
    public static async Task<CodexProcess> StartAsync(
        string program, AgentStart start, IReadOnlyDictionary<string, string> environment, CodexSentNotes told, TimeProvider time,
        CancellationToken cancellationToken, IReadOnlyList<AgentConversationPart>? earlier = null)
    {
        var codex = new CodexProcess(start, told, time);
        codex._connection = await RpcConnection.StartAsync(
            Child(program, start, environment), start.Sandbox, Name, codex._translator, time, cancellationToken);
        try
        {
            await codex.OpenAsync(cancellationToken);
            if (earlier is { Count: > 0 })
            {
                codex.Demand(await codex._connection.RequestAsync("thread/inject_items",
                    w => CodexHistory.Write(w, codex._translator.ThreadId, earlier), s_initializeLimit, cancellationToken));
            }

            return codex;
        }
        catch (Exception e)
        {
            await codex._connection.DisposeAsync();
            throw e is AgentException { Error: AgentError.Ended } ? codex._connection.StartFailure() : e;
        }
    }

    private static ProcessStart Child(string program, AgentStart start, IReadOnlyDictionary<string, string> environment)
    {
        CodexSettings? settings = null;
        var own = environment;
        if (start.Sandbox is { } sandbox)
        {
            var home = CodexEnvironment.Home(environment);
            CodexSandbox.Prepare(sandbox.StateDirectory, home, start.Fork);
            // Of a provider of the owner's own there is that model; the person's effort is meant for another one.
            settings = start.Provider is { } provider ? CodexSettings.For(provider.Model(start.Model)) : CodexSettings.Read(home);
            program = CodexSandbox.Program(program);
            own = CodexEnvironment.ForSandbox(sandbox.StateDirectory, start.ModelAccess!, environment);
        }
        else if (start.ModelAccess is { } access)
        {
            own = CodexEnvironment.Through(access, environment);
        }

        return new ProcessStart
        {
            Program = program,
            Arguments = CodexArguments.For(start.WorkingDirectory, start.ModelAccess, settings, start.Project),
            WorkingDirectory = start.WorkingDirectory,
            Environment = own,
            Mark = start.Mark,
        };
    }

    public async ValueTask PromptAsync(AgentPrompt prompt, CancellationToken cancellationToken)
    {
        var output = new RpcOutput();
        var pictures = await Pictures.ReadAsync(prompt, cancellationToken);
        lock (_connection.State)
        {
            _connection.ThrowIfEnded();
            if (_translator.TurnRuns)
            {
                // Codex would take it as a correction of the running turn
                throw new InvalidOperationException("A turn is running: queueing is the machine's.");
            }

            _translator.BeginTurn();
            output.Calls.Add(new RpcCall("turn/start", Turn(prompt.Pieces, pictures), _translator.Started));
        }

        await _connection.CarryOutAsync(output, cancellationToken);
    }

    public async ValueTask InterruptAsync(CancellationToken cancellationToken)
    {
        if (await _connection.CarryOutAsync(() => _translator.TurnRuns ? _translator.Interrupt() : null, cancellationToken))
        {
            await _connection.StopActsAsync(); // our own commands; Codex has none
        }
    }

    public ValueTask<bool> AnswerAsync(string requestId, AgentAnswer answer, CancellationToken cancellationToken)
        => _connection.CarryOutAsync(() => _translator.Answer(requestId, answer), cancellationToken);

    public ValueTask SetModeAsync(string mode, CancellationToken cancellationToken)
    {
        lock (_connection.State)
        {
            _mode = CodexModes.Checked(mode);
        }

        return ValueTask.CompletedTask; // told with the next turn
    }

    public ValueTask SetModelAsync(string? model, CancellationToken cancellationToken)
    {
        lock (_connection.State)
        {
            _model = _threadModel = model ?? _defaults.Model ?? throw NoDefault("model");
        }

        return ValueTask.CompletedTask; // told with the next turn
    }

    public ValueTask SetEffortAsync(string? effort, CancellationToken cancellationToken)
    {
        lock (_connection.State)
        {
            _chosenEffort = effort is null ? _defaults.EffortOf(_threadModel) ?? throw NoDefault("effort") : CodexOffers.Checked(effort);
        }

        return ValueTask.CompletedTask; // told with the next turn
    }

    public async ValueTask<bool> SteerAsync(AgentPrompt prompt, CancellationToken cancellationToken)
    {
        string? turn;
        lock (_connection.State)
        {
            turn = _translator.Interrupting ? null : _translator.TurnId; // null too while a plan waits for the person: nothing runs
        }

        return turn is not null
            && (await _connection.RequestAsync("turn/steer", w => CodexMessages.TurnSteer(w, _translator.ThreadId, turn, prompt.Pieces),
                s_steerLimit, cancellationToken)).Error is null;
    }

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

        await _connection.DisposeAsync();
    }

    private async Task OpenAsync(CancellationToken cancellationToken)
    {
        var hello = Demand(await _connection.RequestAsync("initialize", CodexMessages.Initialize, s_initializeLimit, cancellationToken));
        await _connection.NotifyAsync("initialized", null, cancellationToken);
        var settings = await _connection.RequestAsync(
            "config/read", w => w.WriteString("cwd", _start.WorkingDirectory), s_initializeLimit, cancellationToken);
        var config = settings.Error is null ? settings.Result.Object("config") : null;
        _defaults = CodexDefaults.None.With(config);
        List<string> foreign = config?.Object("mcp_servers") is { } servers ? [.. servers.EnumerateObject().Select(s => s.Name)] : [];
        _mode = CodexModes.Checked(_start.Mode ?? CodexModes.Default);
        var version = hello.Text("userAgent") is { } agent && agent.Split('/') is [_, var rest, ..] ? rest.Split(' ')[0] : null;
        var reply = _start.ResumeId is null
            ? await _connection.RequestAsync("thread/start", w => CodexMessages.ThreadStart(w, _start, _tools, foreign), s_initializeLimit,
                cancellationToken, r => Opened(r, version))
            : await _connection.RequestAsync(_start.Fork ? "thread/fork" : "thread/resume",
                w => CodexMessages.ThreadResume(w, _start, foreign), s_initializeLimit, cancellationToken, r => Opened(r, version));
        if (reply.Error is { } error)
        {
            throw new AgentException(
                error.Contains("active writer", StringComparison.Ordinal) ? AgentError.OpenElsewhere
                    : IsOfAnother(error) ? AgentError.Refused
                    : _start.ResumeId is not null && IsMissing(error) ? AgentError.NotFound
                    : AgentError.FailedToStart,
                error.Contains("active writer", StringComparison.Ordinal)
                    ? "The conversation is open in another Codex, most likely in a terminal. Close it there first."
                    : _start.ModelAccess is not null && _start.ResumeId is not null && (IsOfAnother(error) || IsMissing(error))
                        ? "The conversation began without a key of PocketCoder's in between, and Codex does not change over. Start a new session, or take the key away to go on with this one."
                    : $"Codex could not open the conversation: {_connection.Redact(error)}");
        }

        if (Doubt(reply.Result) is { } doubt)
        {
            throw new AgentException(
                AgentError.FailedToStart, $"Codex did not accept what keeps it from acting by itself ({doubt}). It was ended.");
        }

        await TellNotesAsync(config, cancellationToken);
        var list = new RpcOutput();
        list.Calls.Add(new RpcCall("model/list", _ => { }, Listed));
        await _connection.CarryOutAsync(list, cancellationToken);
        if (_start is { ResumeId: not null, BegunElsewhere: false }
            && ((_start.Model is null && _defaults.Model is null) || (_start.Effort is null && _defaults.Effort is null)))
        {
            await Task.WhenAny(_listed.Task, Task.Delay(s_listLimit, _time, cancellationToken)); // else its answer is not waited for
        }
    }

    /// <summary>The project's notes, unless the conversation has been told just these.</summary>
    private async Task TellNotesAsync(JsonElement? config, CancellationToken cancellationToken)
    {
        var notes = CodexNotes.Read(_start.WorkingDirectory, config);
        if (notes.Text is not null && !_told.Has(_start.ResumeId, notes))
        {
            Demand(await _connection.RequestAsync(
                "thread/inject_items", w => notes.Write(w, _translator.ThreadId), s_initializeLimit, cancellationToken));
        }

        _told.Note(_translator.ThreadId, notes);
    }

    private RpcOutput Listed(RpcReply reply)
    {
        var output = new RpcOutput();
        if (reply.Error is null && _ready is not null && CodexOffers.Models(reply.Result) is { Count: > 0 } models)
        {
            _defaults = _defaults.WithModels(reply.Result);
            BackToDefaults();
            output.Events.Add(_ready = _ready with { Models = models, Model = _threadModel, Mode = _mode });
        }

        _listed.TrySetResult();
        return output;
    }

    private static AgentException NoDefault(string what)
        => new(AgentError.Refused, $"Codex does not say which {what} is its default. Choose one.");

    private static bool IsMissing(string error) => error.Contains("not found", StringComparison.OrdinalIgnoreCase)
        || error.Contains("no rollout", StringComparison.OrdinalIgnoreCase);

    private static bool IsOfAnother(string error) => error.Contains("uses model provider", StringComparison.Ordinal);

    /// <summary>Runs in the order of Codex's words, so that the first event is that it is ready.</summary>
    private RpcOutput Opened(RpcReply reply, string? version)
    {
        var output = new RpcOutput();
        if (reply.Error is not null || reply.Result.Object("thread")?.Text("id") is not { } thread)
        {
            return output;
        }

        _translator.ThreadId = thread;
        _threadModel = reply.Result.Text("model") ?? "";
        _effort = reply.Result.Text("reasoningEffort");
        _saidMode = reply.Result.Object("collaborationMode")?.Text("mode") ?? CodexModes.Default;
        _chosenEffort = _start.Effort;
        BackToDefaults();
        var named = reply.Result.Object("thread")?.Text("name");
        output.Events.Add(_ready = new AgentReady(thread)
        { Model = _threadModel, Mode = _mode, Version = version, Tools = [.. _tools.All.Select(t => t.Name)] });
        if (_start.ResumeId is not null && named is { Length: > 0 })
        {
            output.Events.Add(new AgentTitled(named)); // it may have been named in a terminal meanwhile
        }

        return output;
    }

    /// <summary>
    /// A conversation that goes on comes with the model and effort of its last turn, which may have been chosen then and are not any more.
    /// </summary>
    private void BackToDefaults()
    {
        if (_start.ResumeId is null || _start.BegunElsewhere)
        {
            return;
        }

        if (_start.Model is null && _model is null && _defaults.Model is { } usual && usual != _threadModel)
        {
            _model = _threadModel = usual;
        }

        if (_start.Effort is null && _chosenEffort is null && _defaults.EffortOf(_threadModel) is { } thinks && thinks != _effort)
        {
            _chosenEffort = thinks;
        }
    }

    /// <summary>Codex does not say which tools it offers, but what it would let them do.</summary>
    private static string? Doubt(JsonElement thread) => thread switch
    {
        _ when thread.Object("thread")?.Text("id") is null => "no conversation",
        _ when thread.Text("approvalPolicy") != "untrusted" => "approval policy",
        _ when thread.Text("approvalsReviewer") != "user" => "reviewer",
        _ when thread.Object("sandbox")?.Text("type") != "readOnly" => "sandbox",
        _ => null,
    };

    private JsonElement Demand(RpcReply reply)
        => reply.Error is null ? reply.Result
            : throw new AgentException(AgentError.Refused, $"Codex said no: {_connection.Redact(reply.Error)}");

    private Action<Utf8JsonWriter> AfterPlan(string words, bool accepted)
    {
        _mode = accepted ? CodexModes.Default : _mode;
        return Turn([words], []);
    }

    private Action<Utf8JsonWriter> Turn(IReadOnlyList<string> pieces, IReadOnlyList<Picture> pictures)
    {
        (string, string, string?)? change = _mode == _saidMode ? null : (_mode, _threadModel, _chosenEffort ?? _effort);
        _saidMode = _mode;
        var (chosen, thinking) = (_model, _chosenEffort);
        return w => CodexMessages.TurnStart(w, _translator.ThreadId, pieces, pictures, chosen, thinking, change);
    }
}

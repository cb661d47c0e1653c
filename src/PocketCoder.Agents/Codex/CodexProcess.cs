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

    private static readonly TimeSpan InitializeLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan SteerLimit = TimeSpan.FromSeconds(10);

    /// <summary>So long a conversation that goes on waits for the list of models, which says what the default is: mostly milliseconds.</summary>
    private static readonly TimeSpan ListLimit = TimeSpan.FromSeconds(2);

    private readonly AgentStart start;
    private readonly TimeProvider time;
    private readonly TaskCompletionSource listed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CodexTools tools;
    private readonly CodexTranslator translator;
    private RpcConnection connection = null!; // set by StartAsync before anybody else sees this
    private string mode = CodexModes.Default;
    private string saidMode = CodexModes.Default; // what Codex was told last
    private string? model;
    private string threadModel = "";
    private string? effort; // the thread's own
    private string? chosenEffort;
    private CodexDefaults defaults = CodexDefaults.None;
    private AgentReady? ready;

    private CodexProcess(AgentStart start, TimeProvider time)
    {
        (this.start, this.time) = (start, time);
        tools = new CodexTools(start.HostTools);
        var reader = new CodexCallReader(start, tools, EnvironmentAllowList.SelectFromOwn(), time);
        translator = new CodexTranslator(reader, tools, time, (line, ct) => connection.WriteAsync(line, ct)) { NextTurn = AfterPlan };
    }

    public ProcessIdentity? Process => connection.Process;

    public ChannelReader<AgentEvent> Events => connection.Events;

    /// <param name="earlier">Words of an earlier conversation that a new one begins with.</param>
    public static async Task<CodexProcess> StartAsync(
        string program, AgentStart start, IReadOnlyDictionary<string, string> environment, TimeProvider time, CancellationToken cancellationToken, IReadOnlyList<AgentConversationPart>? earlier = null)
    {
        var codex = new CodexProcess(start, time);
        codex.connection = await RpcConnection.StartAsync(Child(program, start, environment), start.Room, Name, codex.translator, time, cancellationToken);
        try
        {
            await codex.OpenAsync(cancellationToken);
            if (earlier is { Count: > 0 })
            {
                codex.Demand(await codex.connection.RequestAsync("thread/inject_items", w => CodexEarlierWords.Write(w, codex.translator.ThreadId, earlier), InitializeLimit, cancellationToken));
            }

            return codex;
        }
        catch (Exception e)
        {
            await codex.connection.DisposeAsync();
            throw e is AgentException { Error: AgentError.Ended } ? codex.connection.StartFailure() : e;
        }
    }

    private static ProcessStart Child(string program, AgentStart start, IReadOnlyDictionary<string, string> environment)
    {
        CodexSettings? settings = null;
        var own = environment;
        if (start.Room is { } room)
        {
            var home = CodexEnvironment.Home(environment);
            CodexRoom.Prepare(room.StateDirectory, home, start.Fork);
            settings = CodexSettings.Read(home);
            program = CodexRoom.Program(program);
            own = CodexEnvironment.ForRoom(room.StateDirectory, start.ModelAccess!, environment);
        }
        else if (start.ModelAccess is { } access)
        {
            own = CodexEnvironment.Through(access, environment);
        }

        return new ProcessStart
        {
            Program = program,
            Arguments = CodexArguments.For(start.WorkingDirectory, start.ModelAccess, settings),
            WorkingDirectory = start.WorkingDirectory,
            Environment = own,
            Mark = start.Mark,
        };
    }

    public async ValueTask PromptAsync(AgentPrompt prompt, CancellationToken cancellationToken)
    {
        var output = new RpcOutput();
        var pictures = await Pictures.ReadAsync(prompt, cancellationToken);
        lock (connection.State)
        {
            connection.ThrowIfEnded();
            if (translator.TurnRuns)
            {
                throw new InvalidOperationException("A turn is running: queueing is the machine's."); // Codex would take it as a correction of the running turn
            }

            translator.BeginTurn();
            output.Calls.Add(new RpcCall("turn/start", Turn(prompt.Pieces, pictures), translator.Started));
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
        await connection.StopActsAsync(); // our own commands; Codex has none
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

    public ValueTask SetModeAsync(string mode, CancellationToken cancellationToken)
    {
        lock (connection.State)
        {
            this.mode = CodexModes.Checked(mode);
        }

        return ValueTask.CompletedTask; // told with the next turn
    }

    public ValueTask SetModelAsync(string? model, CancellationToken cancellationToken)
    {
        lock (connection.State)
        {
            this.model = threadModel = model ?? defaults.Model ?? throw NoDefault("model");
        }

        return ValueTask.CompletedTask; // told with the next turn
    }

    public ValueTask SetEffortAsync(string? effort, CancellationToken cancellationToken)
    {
        lock (connection.State)
        {
            chosenEffort = effort is null ? defaults.EffortOf(threadModel) ?? throw NoDefault("effort") : CodexOffers.Checked(effort);
        }

        return ValueTask.CompletedTask; // told with the next turn
    }

    public async ValueTask<bool> SteerAsync(AgentPrompt prompt, CancellationToken cancellationToken)
    {
        string? turn;
        lock (connection.State)
        {
            turn = translator.Interrupting ? null : translator.TurnId; // null too while a plan waits for the person: nothing runs
        }

        return turn is not null
            && (await connection.RequestAsync("turn/steer", w => CodexMessages.TurnSteer(w, translator.ThreadId, turn, prompt.Pieces), SteerLimit, cancellationToken)).Error is null;
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

        await connection.DisposeAsync();
    }

    private async Task OpenAsync(CancellationToken cancellationToken)
    {
        var hello = Demand(await connection.RequestAsync("initialize", CodexMessages.Initialize, InitializeLimit, cancellationToken));
        await connection.NotifyAsync("initialized", null, cancellationToken);
        var settings = await connection.RequestAsync("config/read", w => w.WriteString("cwd", start.WorkingDirectory), InitializeLimit, cancellationToken);
        var config = settings.Error is null ? settings.Result.Object("config") : null;
        defaults = CodexDefaults.None.With(config);
        List<string> foreign = config?.Object("mcp_servers") is { } servers ? [.. servers.EnumerateObject().Select(s => s.Name)] : [];
        mode = CodexModes.Checked(start.Mode ?? CodexModes.Default);
        var version = hello.Text("userAgent") is { } agent && agent.Split('/') is [_, var rest, ..] ? rest.Split(' ')[0] : null;
        var reply = start.ResumeId is null
            ? await connection.RequestAsync("thread/start", w => CodexMessages.ThreadStart(w, start, tools, foreign), InitializeLimit, cancellationToken, r => Opened(r, version))
            : await connection.RequestAsync(start.Fork ? "thread/fork" : "thread/resume", w => CodexMessages.ThreadResume(w, start, foreign), InitializeLimit, cancellationToken, r => Opened(r, version));
        if (reply.Error is { } error)
        {
            throw new AgentException(
                error.Contains("active writer", StringComparison.Ordinal) ? AgentError.OpenElsewhere
                    : IsOfAnother(error) ? AgentError.Refused
                    : start.ResumeId is not null && IsMissing(error) ? AgentError.NotFound
                    : AgentError.FailedToStart,
                error.Contains("active writer", StringComparison.Ordinal)
                    ? "The conversation is open in another Codex, most likely in a terminal. Close it there first."
                    : start.ModelAccess is not null && start.ResumeId is not null && (IsOfAnother(error) || IsMissing(error))
                        ? "The conversation began without a key of PocketCoder's in between, and Codex does not change over. Start a new session, or take the key away to go on with this one."
                    : $"Codex could not open the conversation: {connection.Redact(error)}");
        }

        if (Doubt(reply.Result) is { } doubt)
        {
            throw new AgentException(AgentError.FailedToStart, $"Codex did not accept what keeps it from acting by itself ({doubt}). It was ended.");
        }

        var list = new RpcOutput();
        list.Calls.Add(new RpcCall("model/list", _ => { }, Listed));
        await connection.CarryOutAsync(list, cancellationToken);
        if (start is { ResumeId: not null, BegunElsewhere: false } && ((start.Model is null && defaults.Model is null) || (start.Effort is null && defaults.Effort is null)))
        {
            await Task.WhenAny(listed.Task, Task.Delay(ListLimit, time, cancellationToken)); // else its answer is not waited for
        }
    }

    private RpcOutput Listed(RpcReply reply)
    {
        var output = new RpcOutput();
        if (reply.Error is null && ready is not null && CodexOffers.Models(reply.Result) is { Count: > 0 } models)
        {
            defaults = defaults.WithModels(reply.Result);
            BackToDefaults();
            output.Events.Add(ready = ready with { Models = models, Model = threadModel, Mode = mode });
        }

        listed.TrySetResult();
        return output;
    }

    private static AgentException NoDefault(string what) => new(AgentError.Refused, $"Codex does not say which {what} is its default. Choose one.");

    private static bool IsMissing(string error) => error.Contains("not found", StringComparison.OrdinalIgnoreCase) || error.Contains("no rollout", StringComparison.OrdinalIgnoreCase);

    private static bool IsOfAnother(string error) => error.Contains("uses model provider", StringComparison.Ordinal);

    /// <summary>Runs in the order of Codex's words, so that the first event is that it is ready.</summary>
    private RpcOutput Opened(RpcReply reply, string? version)
    {
        var output = new RpcOutput();
        if (reply.Error is not null || reply.Result.Object("thread")?.Text("id") is not { } thread)
        {
            return output;
        }

        translator.ThreadId = thread;
        threadModel = reply.Result.Text("model") ?? "";
        effort = reply.Result.Text("reasoningEffort");
        saidMode = reply.Result.Object("collaborationMode")?.Text("mode") ?? CodexModes.Default;
        chosenEffort = start.Effort;
        BackToDefaults();
        var named = reply.Result.Object("thread")?.Text("name");
        output.Events.Add(ready = new AgentReady(thread) { Model = threadModel, Mode = mode, Version = version, Tools = [.. tools.All.Select(t => t.Name)] });
        if (start.ResumeId is not null && named is { Length: > 0 })
        {
            output.Events.Add(new AgentTitled(named)); // it may have been named in a terminal meanwhile
        }

        return output;
    }

    /// <summary>A conversation that goes on comes with the model and effort of its last turn, which may have been chosen then and are not any more.</summary>
    private void BackToDefaults()
    {
        if (start.ResumeId is null || start.BegunElsewhere)
        {
            return;
        }

        if (start.Model is null && model is null && defaults.Model is { } usual && usual != threadModel)
        {
            model = threadModel = usual;
        }

        if (start.Effort is null && chosenEffort is null && defaults.EffortOf(threadModel) is { } thinks && thinks != effort)
        {
            chosenEffort = thinks;
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
        => reply.Error is null ? reply.Result : throw new AgentException(AgentError.Refused, $"Codex said no: {connection.Redact(reply.Error)}");

    private Action<Utf8JsonWriter> AfterPlan(string words, bool accepted)
    {
        mode = accepted ? CodexModes.Default : mode;
        return Turn([words], []);
    }

    private Action<Utf8JsonWriter> Turn(IReadOnlyList<string> pieces, IReadOnlyList<Picture> pictures)
    {
        (string, string, string?)? change = mode == saidMode ? null : (mode, threadModel, chosenEffort ?? effort);
        saidMode = mode;
        var (chosen, thinking) = (model, chosenEffort);
        return w => CodexMessages.TurnStart(w, translator.ThreadId, pieces, pictures, chosen, thinking, change);
    }
}

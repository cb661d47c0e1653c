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
    private static readonly TimeSpan ReadyLimit = TimeSpan.FromSeconds(30);

    private readonly AgentStart start;
    private readonly bool gated;
    private readonly TimeProvider time;
    private readonly IReadOnlyDictionary<string, string> commandEnvironment = EnvironmentAllowList.SelectFromOwn();
    private readonly IReadOnlyList<HostTool> tools;
    private readonly McpToolEndpoint endpoint;
    private readonly OpenCodeTranslator translator;
    private readonly string notes;
    private readonly OpenCodeRoom? room;
    private OpenCodeServer server = null!; // set by StartAsync before anybody else sees this
    private string mode;
    private OpenCodeModel? model;
    private OpenCodeModel? defaultModel;

    private OpenCodeProcess(AgentStart start, OpenCodeRoom? room, TimeProvider time)
    {
        (this.start, this.room, this.time) = (start, room, time);
        notes = OpenCodeNotes.Read(start.WorkingDirectory);
        gated = start.HostTools.Count > 0;
        tools = gated ? start.HostTools : [OpenCodeShell.Tool];
        endpoint = new McpToolEndpoint(tools, this, time);
        translator = new OpenCodeTranslator(start.WorkingDirectory, gated, time, (id, answer) => endpoint.Answer(id, answer), () => endpoint.DropAll());
        mode = OpenCodeModes.Checked(start.Mode ?? OpenCodeModes.Default);
        model = start.Model is { } name ? Checked(name) : null;
    }

    public ProcessIdentity? Process => server.Process;

    public ChannelReader<AgentEvent> Events => server.Events;

    public static async Task<OpenCodeProcess> StartAsync(
        string program, AgentStart start, OpenCodeRoom? room, IReadOnlyDictionary<string, string> environment, TimeProvider time, CancellationToken cancellationToken)
    {
        var openCode = new OpenCodeProcess(start, room, time);
        try
        {
            room?.Prepare();
            var url = room is null ? await openCode.endpoint.ListenAsync(cancellationToken) : McpToolEndpoint.UrlAt(AgentToolDoor.UsualPort);
            var password = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
            var child = new ProcessStart
            {
                Program = program,
                Arguments = ["serve", "--hostname", "127.0.0.1", "--port", "0"],
                WorkingDirectory = start.WorkingDirectory,
                Environment = OpenCodeEnvironment.For(
                    room is null ? environment : OpenCodeEnvironment.ForRoom(room, environment), OpenCodeSettings.Json(openCode.gated, url, openCode.endpoint.Token, room), password),
                Mark = start.Mark,
            };
            openCode.server = await OpenCodeServer.StartAsync(child, room is null ? null : openCode.StartInRoomAsync, password, time, cancellationToken);
        }
        catch (Exception e)
        {
            await openCode.endpoint.DisposeAsync();
            throw e is IOException ? new AgentException(AgentError.FailedToStart, $"Our tools could not be offered to OpenCode: {e.Message}", e) : e;
        }

        try
        {
            await openCode.server.ReadEventsAsync(openCode.translator, cancellationToken);
            await openCode.OpenAsync(cancellationToken);
            return openCode;
        }
        catch (Exception e)
        {
            await openCode.DisposeAsync();
            throw e is AgentException { Error: AgentError.Ended } ? openCode.server.StartFailure(e) : e;
        }
    }

    public async ValueTask PromptAsync(AgentPrompt prompt, CancellationToken cancellationToken)
    {
        OpenCodeCall call;
        var pictures = await Pictures.ReadAsync(prompt, cancellationToken);
        lock (server.State)
        {
            server.ThrowIfEnded();
            if (translator.TurnRuns)
            {
                throw new InvalidOperationException("A turn is running: queueing is the machine's.");
            }

            var message = OpenCodeIds.Message(time);
            translator.BeginTurn(message);
            translator.Planning = mode == OpenCodeModes.Plan;
            call = OpenCodeCall.Post($"/session/{translator.SessionId}/prompt_async", Turn(message, prompt.Pieces, pictures, mode, model), translator.Prompted);
        }

        await server.CarryOutAsync(new OpenCodeOutput { Calls = { call } }, cancellationToken);
    }

    public async ValueTask InterruptAsync(CancellationToken cancellationToken)
    {
        OpenCodeCall call;
        lock (server.State)
        {
            if (!translator.TurnRuns)
            {
                return;
            }

            call = translator.Interrupt();
        }

        await server.StopActsAsync();
        await server.CarryOutAsync(new OpenCodeOutput { Calls = { call } }, cancellationToken);
    }

    public async ValueTask<bool> AnswerAsync(string requestId, AgentAnswer answer, CancellationToken cancellationToken)
    {
        OpenCodeOutput? output;
        lock (server.State)
        {
            output = translator.Answer(requestId, answer, RunAsync);
        }

        if (output is null)
        {
            return false;
        }

        await server.CarryOutAsync(output, cancellationToken);
        return true;
    }

    public ValueTask SetModeAsync(string mode, CancellationToken cancellationToken)
    {
        lock (server.State)
        {
            this.mode = OpenCodeModes.Checked(mode);
        }

        return ValueTask.CompletedTask; // told with the next turn
    }

    public ValueTask SetModelAsync(string? model, CancellationToken cancellationToken)
    {
        lock (server.State)
        {
            // Without a name it would go on with the last one of the conversation.
            this.model = model is not null ? Checked(model) : defaultModel ?? throw new AgentException(AgentError.Refused, "OpenCode's settings name no model to go back to. Choose one.");
        }

        return ValueTask.CompletedTask; // told with the next turn
    }

    async ValueTask<bool> IMcpCalls.CalledAsync(McpCall call, CancellationToken cancellationToken)
    {
        var said = false;
        if (server is { HasEnded: false })
        {
            await server.SayAsync(
                () =>
                {
                    var output = new OpenCodeOutput();
                    said = translator.Called(call, output);
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
            if (server is { HasEnded: false })
            {
                await server.SayAsync(
                    () => translator.Withdrawn(call) ? new OpenCodeOutput { Events = { new AgentRequestWithdrawn(call.RequestId) } } : new OpenCodeOutput(),
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
        await endpoint.DisposeAsync();
        await server.DisposeAsync();
    }

    /// <summary>Runs an allowed command of ours and answers its call.</summary>
    private async Task RunAsync(string requestId, ShellCommand command, OpenCodeToolUse use, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested(); // stopped between the answer and now: nothing begins
        var result = await command.RunAsync(commandEnvironment, start.Mark, time, cancellationToken);
        lock (server.State)
        {
            use.ExitCode = result.ExitCode;
        }

        endpoint.Answer(requestId, new AgentAnswer.HostResult(command.Words(result), IsError: result.ExitCode is null));
    }

    private async Task OpenAsync(CancellationToken cancellationToken)
    {
        var session = await SessionAsync(cancellationToken);
        var id = session.Text("id") ?? throw Doubt("no conversation");
        if (!OpenCodeIds.Session().IsMatch(id))
        {
            throw Doubt("its id");
        }

        translator.SessionId = id;
        if (!OpenCodeRules.Hold(session, gated))
        {
            session = Demand(await server.SendAsync(new OpenCodeCall(HttpMethod.Patch, Of(id), LineJson.Write(w => OpenCodeRules.WriteSession(w, gated))), cancellationToken));
        }

        if (!OpenCodeRules.Hold(session, gated))
        {
            throw Doubt("its rules");
        }

        await CheckToolsAsync(cancellationToken);
        var health = await server.SendAsync(OpenCodeCall.Get("/global/health"), cancellationToken);
        var models = await ModelsAsync(session, cancellationToken);
        var ready = new AgentReady(id) { Model = models.Name, Mode = mode, Version = health.Body.Text("version"), Tools = [.. tools.Select(t => t.Name)] };
        translator.Window = models.Window;
        await server.SayAsync(() => new OpenCodeOutput { Events = { ready } }, cancellationToken);
    }

    private async Task<JsonElement> SessionAsync(CancellationToken cancellationToken)
    {
        if (start.ResumeId is not { } resume)
        {
            return Demand(await server.SendAsync(OpenCodeCall.Post("/session", w => OpenCodeRules.WriteSession(w, gated)), cancellationToken));
        }

        var there = await server.SendAsync(OpenCodeCall.Get(Of(resume)), cancellationToken);
        if (there.Status == 404 || (there.IsOk && there.Body.Text("directory") != start.WorkingDirectory))
        {
            throw new AgentException(AgentError.NotFound, "OpenCode has no such conversation for this directory.");
        }

        return start.Fork ? Demand(await server.SendAsync(OpenCodeCall.Post($"{Of(resume)}/fork"), cancellationToken)) : Demand(there);
    }

    /// <summary>What is offered must be what was agreed on: no tool of anybody's code, and ours there.</summary>
    private async Task CheckToolsAsync(CancellationToken cancellationToken)
    {
        var ids = Demand(await server.SendAsync(OpenCodeCall.Get("/experimental/tool/ids"), cancellationToken));
        if (ids.ValueKind != JsonValueKind.Array || ids.EnumerateArray().Select(t => t.AsText()).FirstOrDefault(t => t is null || !OpenCodeRules.Known.Contains(t)) is { } foreign)
        {
            throw Doubt("a tool that is not known");
        }

        // It connects to tool servers when it is asked about them, or at its first prompt.
        var servers = Demand(await server.SendAsync(OpenCodeCall.Get("/mcp"), cancellationToken));
        if (servers.Object(McpToolEndpoint.ServerName)?.Text("status") != "connected" || (gated && servers.EnumerateObject().Count() != 1))
        {
            throw Doubt("its tool servers");
        }

        try
        {
            await endpoint.ToolsListed.WaitAsync(ReadyLimit, time, cancellationToken);
        }
        catch (TimeoutException e)
        {
            throw new AgentException(AgentError.FailedToStart, "OpenCode did not take our tools. It was ended.", e);
        }
    }

    /// <summary>The model to begin with, and how much it takes. What can't be told is left out.</summary>
    private async Task<(string? Name, long? Window)> ModelsAsync(JsonElement session, CancellationToken cancellationToken)
    {
        var config = await server.SendAsync(OpenCodeCall.Get("/config"), cancellationToken);
        defaultModel = config.Body.Text("model") is { } usual && OpenCodeModel.TryParse(usual, out var named) ? named : null;
        if (start is { ResumeId: not null, BegunElsewhere: false })
        {
            model ??= defaultModel; // else it goes on with the last one of the conversation, which may have been chosen then and is not any more
        }

        var name = model?.ToString()
            ?? (session.Object("model") is { } last && last.Text("providerID") is { } provider && last.Text("id") is { } id ? $"{provider}/{id}" : config.Body.Text("model"));
        if (name is null || name.IndexOf('/', StringComparison.Ordinal) is not (> 0 and var at))
        {
            return (name, null);
        }

        var known = await server.SendAsync(OpenCodeCall.Get("/config/providers"), cancellationToken);
        var window = known.Body.Items("providers").FirstOrDefault(p => p.Text("id") == name[..at]).Object("models")?.Object(name[(at + 1)..])?.Object("limit")?.Number("context");
        return (name, window is > 0 ? window : null);
    }

    private Action<Utf8JsonWriter> Turn(string message, IReadOnlyList<string> pieces, IReadOnlyList<Picture> pictures, string mode, OpenCodeModel? model) => w =>
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

        w.WriteString("system", notes);
        w.WriteStartArray("parts");
        foreach (var picture in pictures)
        {
            w.WriteStartObject();
            w.WriteString("type", "file");
            w.WriteString("mime", picture.MediaType);
            w.WriteString("url", $"data:{picture.MediaType};base64,{Convert.ToBase64String(picture.Bytes)}"); // a path it would open by itself, past what is asked
            w.WriteEndObject();
        }

        foreach (var piece in pieces)
        {
            w.WriteStartObject();
            w.WriteString("type", "text");
            w.WriteString("text", piece);
            w.WriteEndObject();
        }

        w.WriteEndArray();
    };

    private Task<IAgentChild> StartInRoomAsync(ProcessStart child, CancellationToken cancellationToken)
    {
        var door = new AgentToolDoor(AgentToolDoor.UsualPort, (path, mode, ct) => endpoint.ListenAsync(path, mode, AgentToolDoor.UsualPort, ct));
        return room!.Room.StartAsync(child, room.Needs(door), cancellationToken);
    }

    private OpenCodeModel Checked(string name) => OpenCodeModel.Parse(name) is var wanted && room is not null ? room.Checked(wanted) : wanted;

    private static string Of(string session) => $"/session/{Uri.EscapeDataString(session)}";

    private JsonElement Demand(OpenCodeReply reply)
        => reply.IsOk ? reply.Body : throw new AgentException(AgentError.FailedToStart, $"OpenCode could not open the conversation: {server.Redact(BoundedText.OneLine(reply.Words))}");

    private static AgentException Doubt(string what) => new(AgentError.FailedToStart, $"OpenCode did not accept what keeps it from acting by itself ({what}). It was ended.");
}

using System.CommandLine;
using PocketCoder.Cli.Attaching;
using PocketCoder.Cli.Output;
using PocketCoder.Cli.Parsing;
using PocketCoder.Cli.Running;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder run</c>: prompts an agent and follows what it does.</summary>
internal static class RunCommand
{
    public static Command Create(Terminal terminal)
    {
        var prompt = new Argument<string>("prompt") { Description = "Prompt for the agent; - reads standard input" };
        var agent = new Option<string?>("--agent")
        { Description = "Agent (default: the project's, then the newest session's, then the first installed)", HelpName = "AGENT" };
        var project = new Option<string?>("--project")
        { Description = "Project id, name or folder (default: the current folder's project)", HelpName = "PROJECT" };
        var mode = new Option<string?>("--mode")
        { Description = "Mode, or - for the agent's default (default: the project's)", HelpName = "MODE" };
        var model = new Option<string?>("--model")
        { Description = "Model, or - for the agent's default (default: the project's)", HelpName = "MODEL" };
        var effort = new Option<string?>("--effort")
        { Description = "Reasoning effort, or - for the agent's default (default: the project's)", HelpName = "EFFORT" };
        var sandbox = new Option<string?>("--sandbox")
        {
            Description =
            "Sandbox: bubblewrap, docker, landlock or none (default: the project's, then the machine's)",
            HelpName = "KIND"
        };
        sandbox.Among("bubblewrap", "docker", "landlock", "none");
        var session = new Option<string?>("--session")
        { Description = "Prompt this session (id, prefix or title) instead of a new one", HelpName = "SESSION" };
        var begun = new Option<string?>("--conversation")
        { Description = "Continue a terminal conversation: its id, or a prefix", HelpName = "CONVERSATION" };
        var folder = new Option<string?>("--folder")
        { Description = "Folder beneath the project's root to work in (default: the root)", HelpName = "FOLDER" };
        var detach = new Option<bool>("--detach") { Description = "Print the session's id and return without following it" };
        var command = new Command("run", "Prompt an agent, follow it and answer its requests here")
            { prompt, agent, project, folder, mode, model, effort, sandbox, session, begun, detach };
        command.Validators.Add(result =>
        {
            if (result.GetResult(session) is { Implicit: false } && ((Option[])[agent, project, folder, mode, model, effort,
                sandbox, begun]).FirstOrDefault(o => result.GetResult(o) is { Implicit: false }) is { } other)
            {
                result.AddError($"{other.Name} can't be used with --session: the session has its own. See: pocketcoder settings");
            }
        });
        return command.Does(terminal, async (context, parsed, ct) =>
        {
            var text = parsed.GetRequiredValue(prompt);
            var piped = text == "-";
            if (piped)
            {
                text = await terminal.In.ReadToEndAsync(ct);
            }

            if (string.IsNullOrWhiteSpace(text))
            {
                throw new CommandFailure("A prompt can't be empty.", ExitCode.Usage);
            }

            var which = parsed.GetValue(session) is null ? await ProjectAsync(context, parsed.GetValue(project), ct) : "";
            var conversation = parsed.GetValue(begun) is { } named
                ? await ConversationsCommand.FindAsync(context, which, parsed.GetValue(agent), named, ct) : null;
            var taken = parsed.GetValue(session) is { } known
                ? await context.Daemon.PromptAsync(new SessionPromptRequest(known, Guid.CreateVersion7(), text), ct)
                : await context.Daemon.StartSessionAsync(
                    new SessionStartRequest(
                        Guid.CreateVersion7(),
                        Guid.CreateVersion7(),
                        which,
                        conversation?.Agent ?? parsed.GetValue(agent),
                        text,
                        SettingsCommand.Said(parsed.GetValue(mode)),
                        SettingsCommand.Said(parsed.GetValue(model)),
                        parsed.GetValue(sandbox) is { } kind ? Enum.Parse<SandboxKind>(kind, ignoreCase: true) : null,
                        conversation?.ConversationId,
                        SettingsCommand.Said(parsed.GetValue(effort)),
                        parsed.GetValue(folder) is { } beneath ? beneath.Length > 1 ? beneath.TrimEnd('/') : beneath : null),
                    ct);
            if (context.Json)
            {
                CliJson.Write(terminal, new RunShown(taken.Session.AgentSessionId, taken.Turn.TurnId), CliJson.Default.RunShown);
            }
            else if (parsed.GetValue(detach))
            {
                context.Say(taken.Session.AgentSessionId.ToString());
            }
            else
            {
                var where = taken.Session.Folder is { } at ? $" in {Untrusted.Show(at)}" : "";
                await terminal.Error.WriteLineAsync(
                    $"Session {taken.Session.AgentSessionId} ({Untrusted.Show(taken.Session.Agent)}{where}, {(taken.Session.Sandbox == SandboxKind.None ? "no sandbox" : taken.Session.Sandbox.ToString().ToLowerInvariant())})");
            }

            return parsed.GetValue(detach)
                ? ExitCode.Ok
                : await new RunningTurn(
                    terminal, context.Daemon, taken, context.Json, asks: !context.Json && !piped && RawMode.IsTerminal).RunAsync(ct);
        });
    }

    /// <summary>The project named, or the one that this folder lies in.</summary>
    internal static async Task<string> ProjectAsync(CommandContext context, string? named, CancellationToken ct)
    {
        if (named is not null)
        {
            return named.StartsWith('.')
                || named.Contains(Path.DirectorySeparatorChar) ? Path.GetFullPath(named, context.Terminal.CurrentDirectory) : named;
        }

        var here = context.Terminal.CurrentDirectory;
        var inside = (await context.Daemon.ListProjectsAsync(ct))
            .Where(p => here == p.Path || here.StartsWith(
                Path.EndsInDirectorySeparator(p.Path) ? p.Path : p.Path + Path.DirectorySeparatorChar, StringComparison.Ordinal))
            .MaxBy(p => p.Path.Length);
        return inside?.ProjectId.ToString()
            ?? throw new CommandFailure("This folder is not in a project. Add it: pocketcoder add. Or choose one: --project",
            code: Failure.Wire(ErrorCode.ProjectNotFound));
    }
}

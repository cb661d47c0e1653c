using System.CommandLine;
using PocketCoder.Cli.Output;
using PocketCoder.Cli.Parsing;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder project defaults</c>: what new sessions of a project begin with.</summary>
internal static class ProjectDefaultsCommand
{
    /// <summary>Takes a default away, since an option that is left out changes nothing.</summary>
    private const string Unset = "-";

    public static Command Create(Terminal terminal)
    {
        var project = new Option<string?>("--project")
        { Description = "Project id, name or folder (default: the current folder's project)", HelpName = "PROJECT" };
        var agent = new Option<string?>("--agent")
        { Description = "Agent, or - for none; changing it clears mode, model and effort", HelpName = "AGENT" };
        var mode = new Option<string?>("--mode") { Description = "Mode of the agent, or - for none", HelpName = "MODE" };
        var model = new Option<string?>("--model") { Description = "Model of the agent, or - for none", HelpName = "MODEL" };
        var effort = new Option<string?>("--effort") { Description = "Reasoning effort, or - for none", HelpName = "EFFORT" };
        var sandbox = new Option<string?>("--sandbox")
        { Description = "Sandbox: bubblewrap, docker, landlock, none, or - for the machine's default", HelpName = "KIND" };
        sandbox.Among("bubblewrap", "docker", "landlock", "none", Unset);
        var defaults = new Command("defaults", "Show or set the defaults for new sessions of a project")
            { project, agent, mode, model, effort, sandbox }.Does(terminal, async (context, parsed, ct) =>
        {
            var which = await RunCommand.ProjectAsync(context, parsed.GetValue(project), ct);
            var now = await context.Daemon.ProjectDefaultsAsync(new ProjectDefaultsRequest(which, null), ct);
            var set = now;
            if (parsed.GetValue(agent) is { } named)
            {
                set = Said(named, null) == now.Agent ? set : new ProjectDefaults(Said(named, null), Sandbox: now.Sandbox);
            }

            set = set with
            {
                Mode = Said(parsed.GetValue(mode), set.Mode),
                Model = Said(parsed.GetValue(model), set.Model),
                Effort = Said(parsed.GetValue(effort), set.Effort),
                Sandbox = parsed.GetValue(sandbox) is { } kind ? kind == Unset ? null : Enum.Parse<SandboxKind>(kind, ignoreCase: true)
                    : set.Sandbox,
            };
            if (set != now)
            {
                set = await context.Daemon.ProjectDefaultsAsync(new ProjectDefaultsRequest(which, set), ct);
            }

            if (context.Json)
            {
                CliJson.Write(terminal, set, CliJson.Default.ProjectDefaults);
                return ExitCode.Ok;
            }

            var table = PlainTable.Of("Agent", "Mode", "Model", "Effort", "Sandbox");
            table.Row(set.Agent ?? Unset, set.Mode ?? Unset, set.Model ?? Unset, set.Effort ?? Unset,
                set.Sandbox?.ToString().ToLowerInvariant() ?? Unset);
            terminal.Tables().Write(table);
            return ExitCode.Ok;
        });
        return new Command("project", "Manage project settings")
        { defaults, ProjectCommandRules.Create(terminal), ProjectCommands.Rename(terminal) };

        static string? Said(string? option, string? before) => option switch
        {
            null => before,
            Unset => null,
            _ => option,
        };
    }
}

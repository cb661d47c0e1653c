using System.CommandLine;
using PocketCoder.Cli.Output;
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
        var project = new Option<string?>("--project") { Description = "Its id, name or folder (default: the one this folder belongs to)", HelpName = "PROJECT" };
        var agent = new Option<string?>("--agent") { Description = "Which agent; another one than before takes mode, model and effort with it. - for none", HelpName = "AGENT" };
        var mode = new Option<string?>("--mode") { Description = "One of its modes, or -", HelpName = "MODE" };
        var model = new Option<string?>("--model") { Description = "One of its models, or -", HelpName = "MODEL" };
        var effort = new Option<string?>("--effort") { Description = "How much it may think, or -", HelpName = "EFFORT" };
        var sandbox = new Option<string?>("--sandbox") { Description = "Where its commands run: bubblewrap, docker, landlock, none, or - for the machine's default", HelpName = "KIND" };
        sandbox.AcceptOnlyFromAmong("bubblewrap", "docker", "landlock", "none", Unset);
        var defaults = new Command("defaults", "Show or set what new sessions of a project begin with") { project, agent, mode, model, effort, sandbox }.Does(terminal, async (context, parsed, ct) =>
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
                Sandbox = parsed.GetValue(sandbox) is { } kind ? kind == Unset ? null : Enum.Parse<SandboxKind>(kind, ignoreCase: true) : set.Sandbox,
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
            table.Row(set.Agent ?? Unset, set.Mode ?? Unset, set.Model ?? Unset, set.Effort ?? Unset, set.Sandbox?.ToString().ToLowerInvariant() ?? Unset);
            terminal.Tables().Write(table);
            return ExitCode.Ok;
        });
        return new Command("project", "Settings of a project") { defaults, ProjectCommandRules.Create(terminal) };

        static string? Said(string? option, string? before) => option switch
        {
            null => before,
            Unset => null,
            _ => option,
        };
    }
}

using System.CommandLine;
using PocketCoder.Cli.Output;
using PocketCoder.Machine.ControlPlane;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder settings</c>: what a session's agent is told from its next prompt on.</summary>
internal static class SettingsCommand
{
    /// <summary>Back to the agent's default, since an option that is left out changes nothing.</summary>
    private const string Default = "-";

    public static Command Create(Terminal terminal)
    {
        var session = new Argument<string>("session") { Description = "Session id (or a prefix) or title" };
        var mode = new Option<string?>("--mode") { Description = "Mode of the agent", HelpName = "MODE" };
        var model = new Option<string?>("--model") { Description = "Model, or - for the agent's default", HelpName = "MODEL" };
        var effort = new Option<string?>("--effort")
        { Description = "Reasoning effort, or - for the agent's default", HelpName = "EFFORT" };
        return new Command("settings", "Show or set a session's mode, model and effort")
            { session, mode, model, effort }.Does(terminal, async (context, parsed, ct) =>
        {
            var info = await context.Daemon.SessionSettingsAsync(
                new SessionSettingsRequest(parsed.GetRequiredValue(session), parsed.GetValue(mode), Said(parsed.GetValue(model)),
                    Said(parsed.GetValue(effort))), ct);
            if (context.Json)
            {
                CliJson.Write(terminal, new SettingsShown(info.AgentSessionId, info.Agent, info.Mode, info.Model, info.Effort),
                    CliJson.Default.SettingsShown);
                return ExitCode.Ok;
            }

            if (Said(parsed.GetValue(model)) is { Length: > 0 } wanted
                && (await context.Daemon.StatusAsync(ct)).Agents.FirstOrDefault(
                    a => a.Id == info.Agent) is { KnownModels: { Count: > 0 } known } agent && known.All(m => m.Id != wanted))
            {
                await terminal.Error.WriteLineAsync(
                    Untrusted.Show($"{agent.Name} does not list a model {wanted} (it lists {string.Join(", ", known.Select(m => m.Id))}). The next prompt requests it anyway; the agent may refuse."));
            }

            var table = PlainTable.Of("Agent", "Mode", "Model", "Effort", "Id");
            table.Row(info.Agent, info.Mode ?? Default, info.Model ?? Default, info.Effort ?? Default, info.AgentSessionId.ToString());
            terminal.Tables().Write(table);
            return ExitCode.Ok;
        });
    }

    /// <summary>As the control plane takes it: empty for the agent's default.</summary>
    public static string? Said(string? option) => option == Default ? "" : option;
}

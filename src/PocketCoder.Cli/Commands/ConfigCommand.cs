using System.CommandLine;
using System.CommandLine.Parsing;
using PocketCoder.Cli.Configuration;
using PocketCoder.Cli.Output;
using PocketCoder.Machine;

namespace PocketCoder.Cli.Commands;

/// <summary>
/// <c>pocketcoder config list|get|set|unset</c>, and the same of <c>gateway</c>: what <c>start</c> and <c>gateway run</c> use unless the
/// command line or the environment say otherwise.
/// </summary>
internal static class ConfigCommand
{
    /// <param name="settings">Whose.</param>
    /// <param name="prepare">Makes the home for them.</param>
    /// <param name="again">How it takes effect.</param>
    public static Command Create(Terminal terminal, SettingsOf settings, Action<Home> prepare, string again)
    {
        var key = new Argument<string>("key") { Description = "A setting from 'config list'" };
        key.CompletionSources.Add([.. settings.All.Select(s => s.Key)]);
        var value = new Argument<string>("value") { Description = "Same as for the option of that name; separate several with commas" };
        var list = new Command("list", "List all settings, their values and where each comes from").Does(terminal, (context, _, _) =>
        {
            var shown = settings.All.Select(s => Shown(context, s)).ToList();
            if (context.Json)
            {
                CliJson.Write(context.Terminal, shown, CliJson.Default.IReadOnlyListSettingShown);
                return Task.FromResult(ExitCode.Ok);
            }

            var table = PlainTable.Of("Setting", "Value", "From");
            foreach (var setting in shown)
            {
                table.Row(setting.Key, setting.Value ?? "", setting.From);
            }

            context.Terminal.Tables().Write(table);
            return Task.FromResult(ExitCode.Ok);
        });
        var get = new Command("get", "Show a setting's value") { key }.Does(terminal, (context, parsed, _) =>
        {
            var shown = Shown(context, settings.Get(parsed.GetRequiredValue(key)));
            if (context.Json)
            {
                CliJson.Write(context.Terminal, shown, CliJson.Default.SettingShown);
            }
            else
            {
                context.Say(Untrusted.Show(shown.Value ?? ""));
            }

            return Task.FromResult(ExitCode.Ok);
        });
        var set = new Command("set", $"Change a setting; takes effect when the {settings.What} starts next")
            { key, value }.Does(terminal, (context, parsed, _) =>
        {
            var setting = settings.Get(parsed.GetRequiredValue(key));
            settings.Check(setting, parsed.RootCommandResult.Command, parsed.GetRequiredValue(value));
            prepare(context.Home);
            ConfigFile.Change(settings.FileOf(context.Home), values => values[setting.Key] = parsed.GetRequiredValue(value));
            return Task.FromResult(Tell(context, setting));
        });
        var unset = new Command("unset", "Reset a setting to its default") { key }.Does(terminal, (context, parsed, _) =>
        {
            var setting = settings.Get(parsed.GetRequiredValue(key));
            prepare(context.Home);
            ConfigFile.Change(settings.FileOf(context.Home), values => values.Remove(setting.Key));
            return Task.FromResult(Tell(context, setting));
        });
        return new Command("config", $"Manage {settings.What} settings") { list, get, set, unset };

        int Tell(CommandContext context, Setting setting)
        {
            if (context.Json)
            {
                CliJson.Write(context.Terminal, Shown(context, setting), CliJson.Default.SettingShown);
            }
            else if (setting.AtStart)
            {
                context.Say(again);
            }

            return ExitCode.Ok;
        }

        SettingShown Shown(CommandContext context, Setting setting)
        {
            var (found, from) = settings.Find(setting, context.Home, context.Terminal);
            return new SettingShown(setting.Key, found, from);
        }
    }
}

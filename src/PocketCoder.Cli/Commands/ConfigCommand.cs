using System.CommandLine;
using System.CommandLine.Parsing;
using PocketCoder.Cli.Configuration;
using PocketCoder.Cli.Output;

namespace PocketCoder.Cli.Commands;

/// <summary>
/// <c>pocketcoder config list|get|set|unset</c>: what <c>start</c> uses unless the command line or the environment say otherwise.
/// </summary>
internal static class ConfigCommand
{
    public static Command Create(Terminal terminal)
    {
        var key = new Argument<string>("key") { Description = "A setting from 'config list'" };
        key.CompletionSources.Add([.. Settings.All.Select(s => s.Key)]);
        var value = new Argument<string>("value") { Description = "Same as for the option of that name; separate several with commas" };
        var list = new Command("list", "List all settings, their values and where each comes from").Does(terminal, (context, _, _) =>
        {
            var shown = Settings.All.Select(s => Shown(context, s)).ToList();
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
            var shown = Shown(context, Settings.Get(parsed.GetRequiredValue(key)));
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
        var set = new Command("set", "Change a setting; takes effect when the daemon starts next")
            { key, value }.Does(terminal, (context, parsed, _) =>
        {
            var setting = Settings.Get(parsed.GetRequiredValue(key));
            setting.Check(parsed.RootCommandResult.Command, parsed.GetRequiredValue(value));
            context.Home.Prepare();
            ConfigFile.Change(context.Home, values => values[setting.Key] = parsed.GetRequiredValue(value));
            return Task.FromResult(Tell(context, setting));
        });
        var unset = new Command("unset", "Reset a setting to its default") { key }.Does(terminal, (context, parsed, _) =>
        {
            var setting = Settings.Get(parsed.GetRequiredValue(key));
            context.Home.Prepare();
            ConfigFile.Change(context.Home, values => values.Remove(setting.Key));
            return Task.FromResult(Tell(context, setting));
        });
        return new Command("config", "Manage daemon settings") { list, get, set, unset };
    }

    private static int Tell(CommandContext context, Setting setting)
    {
        if (context.Json)
        {
            CliJson.Write(context.Terminal, Shown(context, setting), CliJson.Default.SettingShown);
        }
        else if (setting.AtStart)
        {
            context.Say("Takes effect when the daemon restarts: pocketcoder restart");
        }

        return ExitCode.Ok;
    }

    private static SettingShown Shown(CommandContext context, Setting setting)
    {
        var (value, from) = setting.Find(context.Home, context.Terminal);
        return new SettingShown(setting.Key, value, from);
    }
}

using System.CommandLine;
using PocketCoder.Cli.Commands;
using PocketCoder.Cli.Parsing;
using PocketCoder.Machine.Status;
using PocketCoder.Machine;

namespace PocketCoder.Cli.Configuration;

/// <summary>A setting. The command line counts before the environment, and that before the file.</summary>
/// <param name="Option">The option that it is; null: none.</param>
/// <param name="Variable">The variable of the environment that it is; null: none.</param>
internal sealed record Setting(string Key, Option? Option, string? Variable, string Default)
{
    /// <summary>May be given several times.</summary>
    public bool Many => Option is { ValueType: { IsArray: true } or { IsGenericType: true, Name: "Dictionary`2" } };

    public bool AtStart => Option is not null || Key == Settings.LogLevel;

    /// <summary>What stands on the command line for it.</summary>
    public IEnumerable<string> Arguments(string value)
        => Option is null ? [] : (Many ? value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            : [value]).SelectMany(v => (string[])[Option.Name, v]);
}

/// <summary>The settings of one of the programs that run on their own: the daemon, or a gateway.</summary>
/// <param name="command">What starts it, as it is typed.</param>
/// <param name="what">Of whom these are.</param>
/// <param name="prefix">Before <c>config</c>, as it is typed.</param>
internal sealed class SettingsOf(
    IReadOnlyList<Setting> all, IReadOnlyList<string> command, Func<Home, string> file, string what, string prefix)
{
    /// <summary>All that there are.</summary>
    public IReadOnlyList<Setting> All => all;

    public string What => what;

    /// <summary>Where they are kept.</summary>
    public string FileOf(Home home) => file(home);

    /// <exception cref="CommandFailure">There is none of that name.</exception>
    public Setting Get(string key)
        => all.FirstOrDefault(s => s.Key == key)
            ?? throw new CommandFailure($"No setting {key}. Available: {string.Join(", ", all.Select(s => s.Key))}", ExitCode.Usage);

    public (string? Value, string From) Find(Setting setting, Home home, Terminal terminal)
        => setting.Variable is { } name && terminal.Environment(name) is { Length: > 0 } set ? (set, name)
            : ConfigFile.Read(file(home)).TryGetValue(setting.Key, out var kept) ? (kept, "file")
            : (setting.Default.Length > 0 ? setting.Default : null, "default");

    /// <exception cref="CommandFailure">It can't have this value.</exception>
    public void Check(Setting setting, Command root, string value)
    {
        string? wrong = null;
        if (setting.Option is { } option)
        {
            string[] typed = [.. command, .. setting.Arguments(value)];
            wrong = typed.Length == command.Count ? "a value is required."
                : option.ValueType == typeof(bool) ? (value is "true" or "false" ? null : "use true or false.")
                : WrongUse.Of(root.Parse(typed, Settings.Parser), typed) is [var first, ..] ? first : null;
        }
        else if (setting.Key == Settings.LogLevel)
        {
            wrong = LogFile.TryLevel(value) is null ? "use trace, debug, info, warn, error or fatal." : null;
        }
        else if (!Uri.TryCreate(value, UriKind.Absolute, out var url) || url.UserInfo.Length > 0
            || !(url.Scheme == Uri.UriSchemeHttps || (url.Scheme == Uri.UriSchemeHttp && url.IsLoopback)))
        {
            wrong = "use an https URL without a user name, or http on loopback.";
        }

        if (wrong is not null)
        {
            throw new CommandFailure($"{setting.Key} can't be {value}: {wrong}", ExitCode.Usage);
        }
    }

    /// <summary>What was typed, completed by the environment and the file.</summary>
    /// <exception cref="CommandFailure">A value there can't be; or the file names what there is not.</exception>
    public ParseResult Complete(ParseResult parsed, Home home, Terminal terminal)
    {
        if (ConfigFile.Read(file(home)).Keys.FirstOrDefault(k => all.All(s => s.Key != k)) is { } unknown)
        {
            throw new CommandFailure(
                $"{file(home)} contains {unknown}, which is not a setting. Remove it; pocketcoder {prefix}config list shows all settings.",
                code: OwnCodes.HomeRefused);
        }

        var more = all.Where(s => s.AtStart && (s.Option is not { } option || parsed.GetResult(option) is null or { Implicit: true }))
            .Select(s => (Setting: s, Found: Find(s, home, terminal)))
            .Where(s => s.Found is { Value: not null, From: not "default" })
            .ToList();
        foreach (var (setting, found) in more)
        {
            try
            {
                Check(setting, parsed.RootCommandResult.Command, found.Value!);
            }
            catch (CommandFailure e)
            {
                throw new CommandFailure(
                    $"{e.Message} (from {(found.From == "file" ? file(home) : found.From)})", code: OwnCodes.NotSetUp);
            }
        }

        return more.All(s => s.Setting.Option is null) ? parsed : parsed.RootCommandResult.Command.Parse(
            [.. parsed.Tokens.Select(t => t.Value), .. more.SelectMany(s => s.Setting.Arguments(s.Found.Value!))], Settings.Parser);
    }
}

/// <summary>All settings there are.</summary>
internal static class Settings
{
    public const string LogLevel = "log-level";
    public const string UpdateUrl = "update-url";
    public const string PortVariable = "POCKETCODER_PORT";

    /// <summary>No @file expansion: an argument is what it says.</summary>
    public static ParserConfiguration Parser { get; } = new() { ResponseFileTokenReplacer = null };

    /// <summary>The daemon's.</summary>
    public static SettingsOf OfDaemon { get; } = new(
        [
            .. StartCommand.Settings.Select(
                o => new Setting(o.Name[2..], o, o.Name == "--control-port" ? PortVariable : null, StartCommand.DefaultOf(o))),
            new Setting(LogLevel, null, "LOG_LEVEL", "info"),
            new Setting(UpdateUrl, null, null, ""),
        ],
        ["start"], home => home.Config, "daemon", "");

    /// <summary>Of a gateway that runs on its own.</summary>
    public static SettingsOf OfGateway { get; } = new(
        [
            .. GatewayCommand.Settings.Select(o => new Setting(o.Name[2..], o, null, StartCommand.DefaultOf(o))),
            new Setting(LogLevel, null, "LOG_LEVEL", "info"),
        ],
        ["gateway", "run"], home => home.GatewayConfig, "gateway", "gateway ");
}

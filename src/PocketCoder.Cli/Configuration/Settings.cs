using System.CommandLine;
using PocketCoder.Cli.Commands;
using PocketCoder.Cli.Parsing;
using PocketCoder.Machine.Status;
using PocketCoder.Machine;

namespace PocketCoder.Cli.Configuration;

/// <summary>A setting. The command line counts before the environment, and that before the file.</summary>
/// <param name="Option">The option of <c>start</c> that it is; null: none.</param>
/// <param name="Variable">The variable of the environment that it is; null: none.</param>
internal sealed record Setting(string Key, Option? Option, string? Variable, string Default)
{
    /// <summary>May be given several times.</summary>
    public bool Many => Option is { ValueType: { IsArray: true } or { IsGenericType: true, Name: "Dictionary`2" } };

    public bool AtStart => Option is not null || Key == Settings.LogLevel;

    public (string? Value, string From) Find(Home home, Terminal terminal)
        => Variable is { } name && terminal.Environment(name) is { Length: > 0 } set ? (set, name)
            : ConfigFile.Read(home).TryGetValue(Key, out var kept) ? (kept, "file")
            : (Default.Length > 0 ? Default : null, "default");

    /// <summary>What stands on the command line for it.</summary>
    public IEnumerable<string> Arguments(string value)
        => Option is null ? [] : (Many ? value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            : [value]).SelectMany(v => (string[])[Option.Name, v]);

    /// <exception cref="CommandFailure">It can't have this value.</exception>
    public void Check(Command root, string value)
    {
        string? wrong = null;
        if (Option is not null)
        {
            string[] typed = ["start", .. Arguments(value)];
            wrong = typed.Length == 1 ? "a value is required."
                : Option.ValueType == typeof(bool) ? (value is "true" or "false" ? null : "use true or false.")
                : WrongUse.Of(root.Parse(typed, Settings.Parser), typed) is [var first, ..] ? first : null;
        }
        else if (Key == Settings.LogLevel)
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
            throw new CommandFailure($"{Key} can't be {value}: {wrong}", ExitCode.Usage);
        }
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

    public static IReadOnlyList<Setting> All { get; } =
    [
        .. StartCommand.Settings.Select(
            o => new Setting(o.Name[2..], o, o.Name == "--control-port" ? PortVariable : null, StartCommand.DefaultOf(o))),
        new Setting(LogLevel, null, "LOG_LEVEL", "info"),
        new Setting(UpdateUrl, null, null, ""),
    ];

    /// <exception cref="CommandFailure">There is none of that name.</exception>
    public static Setting Get(string key)
        => All.FirstOrDefault(s => s.Key == key)
            ?? throw new CommandFailure($"No setting {key}. Available: {string.Join(", ", All.Select(s => s.Key))}", ExitCode.Usage);

    /// <summary>What was typed, completed by the environment and the file.</summary>
    /// <exception cref="CommandFailure">A value there can't be; or the file names what there is not.</exception>
    public static ParseResult Complete(ParseResult parsed, Home home, Terminal terminal)
    {
        if (ConfigFile.Read(home).Keys.FirstOrDefault(k => All.All(s => s.Key != k)) is { } unknown)
        {
            throw new CommandFailure(
                $"{home.Config} contains {unknown}, which is not a setting. Remove it; pocketcoder config list shows all settings.",
                code: OwnCodes.HomeRefused);
        }

        var more = All.Where(s => s.AtStart && (s.Option is not { } option || parsed.GetResult(option) is null or { Implicit: true }))
            .Select(s => (Setting: s, Found: s.Find(home, terminal)))
            .Where(s => s.Found is { Value: not null, From: not "default" })
            .ToList();
        foreach (var (setting, found) in more)
        {
            try
            {
                setting.Check(parsed.RootCommandResult.Command, found.Value!);
            }
            catch (CommandFailure e)
            {
                throw new CommandFailure(
                    $"{e.Message} (from {(found.From == "file" ? home.Config : found.From)})", code: OwnCodes.NotSetUp);
            }
        }

        return more.All(s => s.Setting.Option is null) ? parsed : parsed.RootCommandResult.Command.Parse(
            [.. parsed.Tokens.Select(t => t.Value), .. more.SelectMany(s => s.Setting.Arguments(s.Found.Value!))], Parser);
    }
}

using System.CommandLine;

namespace PocketCoder.Cli.Tests;

/// <summary>A command line with something wrong in it, made from the command tree.</summary>
/// <param name="Words">All of it.</param>
/// <param name="Wrong">What is wrong, for the failure's message.</param>
/// <param name="Refused">Whether it can't be right: the exit code is 2.</param>
/// <param name="Telling">One of a few values that tell the kinds of wrong texts apart: enough where each costs a request.</param>
internal sealed record WrongLine(string Verb, IReadOnlyList<string> Words, string Wrong, bool Refused, bool Telling = true);

/// <summary>
/// Walks every verb, argument and option of the real command tree with values of the wrong kind. What is new in the tree is walked too:
/// nothing here lists options.
/// </summary>
internal static class WrongLines
{
    /// <summary>Invisible, turning and moving characters.</summary>
    public const string Hostile = "a\u202eb\u001b[2Jc\u200b\u0007";

    /// <summary>Numbers that some options take; for all others they are wrong too.</summary>
    private static readonly string[] s_zeroIsRight = ["--control-port", "--warm-agents", "--tail"];

    private static readonly string[] s_telling = ["zz", "0", Hostile, "00000000-0000-0000-0000-000000000000", "../../../.."];

    private static readonly string[] s_wrong =
    [
        "", " ", "zz", "-1", "0", "1.5", "99999999999999999999", "NaN", "00000000-0000-0000-0000-000000000000", "null", "../../../..", "*",
        "%00", "ü'\"$(true)`", Hostile, new string('x', 5000),
    ];

    public static IEnumerable<WrongLine> All(RootCommand root, Func<string, string, IReadOnlyList<string>> right)
        => Under(root, "").SelectMany(c => Of(root, c.Command, c.Path, right));

    private static IEnumerable<WrongLine> Of(
        RootCommand root, Command command, string path, Func<string, string, IReadOnlyList<string>> right)
    {
        string[] verb = path.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var arguments = command.Arguments.ToList();
        var usual = arguments.Select(a => right(path, a.Name)).ToList();
        List<string> always = [.. right(path, "")];
        IReadOnlyList<string> Line(params IEnumerable<string> more) => [.. verb, .. usual.SelectMany(u => u), .. always, .. more];

        yield return new(path, Line("zz-surplus", "zz-surplus-2"), "surplus words", arguments.All(a => a.Arity.MaximumNumberOfValues <= 1));
        yield return new(path, Line("--zz-unknown"), "an unknown option", arguments.All(a => a.Arity.MaximumNumberOfValues <= 1));
        for (var i = 0; i < arguments.Count; i++)
        {
            var (argument, at) = (arguments[i], i);
            IReadOnlyList<string> With(params string[] instead)
                => [.. verb, .. usual.SelectMany((u, n) => n == at ? instead : u), .. always];
            if (argument.Arity.MinimumNumberOfValues > 0 && i == arguments.Count - 1)
            {
                yield return new(path, With(), $"{argument.Name} is missing", true);
            }

            foreach (var value in s_wrong)
            {
                yield return new(path, With(value), $"{argument.Name} is '{value}'", IsWrong(argument.ValueType, value, argument.Name),
                    s_telling.Contains(value));
            }
        }

        foreach (var option in command.Options.Where(
            o => !o.Recursive && o is not System.CommandLine.Help.HelpOption and not VersionOption))
        {
            if (option.ValueType == typeof(bool))
            {
                yield return new(path, Line($"{option.Name}=zz"), $"{option.Name}=zz",
                    arguments.All(a => a.Arity.MaximumNumberOfValues <= 1));
                continue;
            }

            yield return new(path, Line(option.Name), $"{option.Name} without a value", true);
            yield return new(path, Line($"{option.Name}="), $"{option.Name}= without a value", true);
            yield return new(path, Line(option.Name, "--json"), $"{option.Name} with an option for its value", true);
            foreach (var value in s_wrong)
            {
                yield return new(path, Line(option.Name, value), $"{option.Name} is '{value}'",
                    IsWrong(option.ValueType, value, option.Name), s_telling.Contains(value));
            }

            if (option.Arity.MaximumNumberOfValues == 1)
            {
                yield return new(path, Line(option.Name, "1", option.Name, "2"), $"{option.Name} twice", true);
            }
        }
    }

    /// <summary>What no number, id, time or list can be.</summary>
    private static bool IsWrong(Type type, string value, string name)
        => string.IsNullOrWhiteSpace(value) ? !type.IsArray
            : type != typeof(string) && type != typeof(string[]) && !(value == "0" && s_zeroIsRight.Contains(name)) && !(value == "1.5"
                && type == typeof(decimal?)) && !(value.StartsWith("0000", StringComparison.Ordinal) && type == typeof(Guid?));

    private static IEnumerable<(string Path, Command Command)> Under(Command command, string path)
        => command.Subcommands.SelectMany(c => Under(c, $"{path} {c.Name}".Trim())).Prepend((path, command))
            .Where(c => c.Item2.Action is not null);
}

using System.CommandLine;
using System.Globalization;
using System.Text;
using PocketCoder.Cli.Output;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder completion bash|zsh|fish</c>: written from the command tree, so that it can't name what there is not.</summary>
internal static class CompletionCommand
{
    private const string Program = "pocketcoder";

    public static Command Create(Terminal terminal) => new("completion", "Print a shell's completion script")
    {
        Shell(terminal, "bash", "For bash: source <(pocketcoder completion bash)", Bash),
        Shell(terminal, "zsh", "For zsh: pocketcoder completion zsh > a folder of $fpath, as _pocketcoder", Zsh),
        Shell(terminal, "fish", "For fish: pocketcoder completion fish > ~/.config/fish/completions/pocketcoder.fish", Fish),
        CompletionValues.Create(terminal),
    };

    /// <summary>Needs no home: packages are built where there is none.</summary>
    private static Command Shell(Terminal terminal, string name, string description, Func<IReadOnlyList<Place>, string> write)
    {
        var command = new Command(name, description);
        command.SetAction(parsed =>
        {
            var script = write([.. Places(parsed.RootCommandResult.Command, "")]);
            if (parsed.GetValue(CommandLine.Json))
            {
                CliJson.Write(terminal, new ScriptShown(name, script), CliJson.Default.ScriptShown);
            }
            else
            {
                terminal.Out.Write(script);
            }

            return ExitCode.Ok;
        });
        return command;
    }

    private static IEnumerable<Place> Places(Command command, string path)
    {
        var commands = command.Subcommands.Where(c => !c.Hidden).ToList();
        var options = command.Options.Concat([CommandLine.Json]).Where(o => !o.Hidden).DistinctBy(o => o.Name, StringComparer.Ordinal)
            .Select(o => (o.Name, o.Description ?? "")).ToList();
        var taking = command.Options.Where(o => !o.Hidden && o.Arity.MinimumNumberOfValues > 0)
            .Select(o => new Taking([o.Name, .. o.Aliases], CompletionValues.WordsOf(o), CompletionValues.KindOf(o.HelpName)))
            .Where(t => t.Words.Count > 0 || t.Kind is not null).ToList();
        var first = command.Arguments.Select(a => new Taking([], CompletionValues.WordsOf(a), CompletionValues.KindOf(a.Name)))
            .FirstOrDefault() ?? new Taking([], [], null);
        return commands.SelectMany(c => Places(c, $"{path} {c.Name}".Trim()))
            .Prepend(new Place(path, [.. commands.Select(c => (c.Name, c.Description ?? ""))], options, taking, first));
    }

    private static string Bash(IReadOnlyList<Place> places)
    {
        var script = new StringBuilder();
        script.AppendLine(CultureInfo.InvariantCulture, $$"""
            # bash completion of {{Program}}. Use it with: source <({{Program}} completion bash)
            _{{Program}}_values() {
                local line
                while IFS= read -r line; do
                    [[ $line == "$cur"* ]] && COMPREPLY+=("$line")
                done < <({{Program}} completion values "$1" 2>/dev/null)
            }
            _{{Program}}() {
                local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD - 1]}" at="" word i
                COMPREPLY=()
                for ((i = 1; i < COMP_CWORD; i++)); do
                    word="${COMP_WORDS[i]}"
            {{Walk(places)}}
            {{Given(places, words => $"COMPREPLY=($(compgen -W \"{words}\" -- \"$cur\"))", kind => $"_{Program}_values {kind}")}}
            {{Offers(places, place => $"COMPREPLY=($(compgen -W \"{string.Join(' ', place.Words)}\" -- \"$cur\")){(place.First.Kind is { } kind ? $"; _{Program}_values {kind}" : "")}")}}
            }
            complete -o default -F _{{Program}} {{Program}}
            """);
        return Unix(script);
    }

    private static string Zsh(IReadOnlyList<Place> places)
    {
        var script = new StringBuilder();
        script.AppendLine(CultureInfo.InvariantCulture, $$"""
            #compdef {{Program}}
            # zsh completion of {{Program}}.
            _{{Program}}_values() {
                compadd -- ${(f)"$({{Program}} completion values $1 2>/dev/null)"}
            }
            _{{Program}}() {
                local at="" word prev="${words[CURRENT-1]}"
                local -i i
                for ((i = 2; i < CURRENT; i++)); do
                    word="${words[i]}"
            {{Walk(places)}}
            {{Given(places, words => $"compadd -- {words}", kind => $"_{Program}_values {kind}")}}
            {{Offers(places, place => $"compadd -- {string.Join(' ', place.Words)}{(place.First.Kind is { } kind ? $"; _{Program}_values {kind}" : "")}")}}
                _files
            }
            compdef _{{Program}} {{Program}}
            """);
        return Unix(script);
    }

    private static string Fish(IReadOnlyList<Place> places)
    {
        var script = new StringBuilder();
        script.AppendLine(CultureInfo.InvariantCulture, $$"""
            # fish completion of {{Program}}.
            function __{{Program}}_at
                set -l known {{string.Join(' ', Below(places).Select(p => $"'{p.Path}'"))}}
                set -l at ""
                for word in (commandline -opc)[2..-1]
                    set -l next (string trim -- "$at $word")
                    if contains -- "$next" $known
                        set at $next
                    end
                end
                test "$at" = "$argv[1]"
            end
            """);
        foreach (var place in places)
        {
            foreach (var (name, description) in place.Commands)
            {
                script.AppendLine(CultureInfo.InvariantCulture,
                    $"complete -c {Program} -n '__{Program}_at \"{place.Path}\"' -a {name} -d {Quoted(description)}");
            }

            foreach (var (name, description) in place.Options)
            {
                var values = place.Taking.FirstOrDefault(t => t.Names.Contains(name, StringComparer.Ordinal)) is { } taking
                    ? $" -x -a {Values(taking)}" : "";
                script.AppendLine(CultureInfo.InvariantCulture,
                    $"complete -c {Program} -n '__{Program}_at \"{place.Path}\"' -l {name[2..]} -d {Quoted(description)}{values}");
            }

            if (place.First.Words.Count > 0 || place.First.Kind is not null)
            {
                script.AppendLine(CultureInfo.InvariantCulture,
                    $"complete -c {Program} -n '__{Program}_at \"{place.Path}\"' -a {Values(place.First)}");
            }
        }

        return Unix(script);

        static string Values(Taking taking)
            => taking.Kind is { } kind ? $"'({Program} completion values {kind} 2>/dev/null)'" : $"'{string.Join(' ', taking.Words)}'";
    }

    /// <summary>What can follow the option that stands before; in the words that bash and zsh have in common.</summary>
    private static string Given(IReadOnlyList<Place> places, Func<string, string> words, Func<string, string> kind)
        => string.Join("\n", places.SelectMany(p => p.Taking.Select(t =>
            $"        {string.Join('|', t.Names.Select(n => $"\"{p.Path} {n}\""))}) {(t.Kind is { } k ? kind(k) : words(string.Join(' ', t.Words)))}; return ;;"))
            .Prepend("    case \"$at $prev\" in").Append("    esac"));

    /// <summary>
    /// The end of the loop over what was typed, which finds in <c>at</c> where one is; in the words that bash and zsh have in common.
    /// </summary>
    private static string Walk(IReadOnlyList<Place> places) => $$"""
                    case "$at $word" in
                    {{string.Join("|", Below(places).Select(p => $"\"{Turn(p)}\""))}}) at="${at:+$at }$word" ;;
                esac
            done
        """;

    private static string Offers(IReadOnlyList<Place> places, Func<Place, string> offer)
        => string.Join("\n", places.Select(p => $"        \"{p.Path}\") {offer(p)} ;;").Prepend("    case \"$at\" in").Append("    esac"));

    private static IEnumerable<Place> Below(IEnumerable<Place> places) => places.Where(p => p.Path.Length > 0);

    /// <summary>A place as where one is and the next word.</summary>
    private static string Turn(Place place) => place.Path.Contains(' ', StringComparison.Ordinal) ? place.Path : " " + place.Path;

    private static string Quoted(string text)
        => $"'{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal)}'";

    private static string Unix(StringBuilder script) => script.ToString().ReplaceLineEndings("\n");

    private sealed record Place(string Path, IReadOnlyList<(string Name, string Description)> Commands,
        IReadOnlyList<(string Name, string Description)> Options, IReadOnlyList<Taking> Taking, Taking First)
    {
        public IEnumerable<string> Words => Commands.Concat(Options).Select(w => w.Name).Concat(First.Words);
    }

    /// <summary>What an option, or a command's first argument, takes: fixed words, or what the program lists when it is asked.</summary>
    /// <param name="Kind">One of <see cref="CompletionValues"/>; null: none.</param>
    private sealed record Taking(IReadOnlyList<string> Names, IReadOnlyList<string> Words, string? Kind);
}

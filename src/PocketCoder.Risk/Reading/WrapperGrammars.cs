namespace PocketCoder.Risks.Reading;

/// <summary>
/// The options of programs that start another one, up to where that one stands: only so is it certain which program that is.
/// </summary>
internal static class WrapperGrammars
{
    private static readonly Dictionary<string, (OptionGrammar Grammar, int Operands)> s_wrappers = new(StringComparer.Ordinal)
    {
        ["nohup"] = (Of(""), 0),
        ["setsid"] = (Of("-cfw --ctty --fork --wait"), 0),
        ["time"] = (Of("-pvq -f: --portability --verbose --quiet --format="), 0),
        ["caffeinate"] = (Of("-dimsu -t:"), 0),
        ["chronic"] = (Of("-ev"), 0),
        ["unbuffer"] = (Of("-p"), 0),
        ["catchsegv"] = (Of(""), 0),
        ["nice"] = (Of("-n: -# --adjustment="), 0),
        ["ionice"] = (Of("-c: -n: -t --class= --classdata= --ignore"), 0),
        ["timeout"] = (Of("-v -k: -s: --foreground --preserve-status --verbose --kill-after= --signal="), 1),
        ["gtimeout"] = (Of("-v -k: -s: --foreground --preserve-status --verbose --kill-after= --signal="), 1),
        ["stdbuf"] = (Of("-i: -o: -e: --input= --output= --error="), 0),
        ["taskset"] = (Of("-c --cpu-list"), 1),
        ["chrt"] = (Of("-bdfiorv --batch --fifo --idle --other --rr"), 1),
        ["prlimit"] = (Of("-c. -d. -e. -f. -i. -l. -m. -n. -q. -r. -s. -t. -u. -v. -x. -y."), 0),
        ["entr"] = (Of("-acdnprsz"), 0),
        ["watch"] = (Of(
            "-bcegptwx -d. -n: -q: --beep --color --errexit --chgexit --no-title --interval= --precise --no-wrap --exec --differences?"),
            0),
        ["xargs"] = (Of("-0oprtx -a:f -d: -E: -I: -L: -n: -P: -s: -i. -l. -e. --null --no-run-if-empty --verbose --delimiter= --max-args= --max-procs= --max-lines? --replace? --arg-file=f --max-chars= --exit --open-tty --interactive"), 0),
        ["gxargs"] = (Of("-0oprtx -a:f -d: -E: -I: -L: -n: -P: -s: -i. -l. -e. --null --no-run-if-empty --verbose --delimiter= --max-args= --max-procs= --max-lines? --replace? --arg-file=f"), 0),
        ["flock"] = (Of("-eFnosux -E: -w: --exclusive --no-fork --nonblock --nb --close --shared --unlock --wait= --timeout= --verbose --conflict-exit-code="), 1),
        ["sudo"] = (Of("-AbBEHnPSkK -C: -D: -g: -h: -p: -R: -T: -u: -U: --non-interactive --preserve-env? --set-home --stdin --background"),
            0),
        ["doas"] = (Of("-nL -u: -C:"), 0),
        ["pkexec"] = (Of("--disable-internal-agent --keep-cwd --user="), 0),
        ["run0"] = (Of("--background= --chdir= --user= --group= --nice= --pipe --pty"), 0),
    };

    /// <summary>Index of the program that <paramref name="name"/> starts; null when its options are not known exactly.</summary>
    public static int? CommandAt(string name, IReadOnlyList<Words.Arg> args)
        => s_wrappers.TryGetValue(name, out var wrapper) && wrapper.Grammar.Parse(args) is { } parsed
            && args.Skip(parsed.OperandsAt).Take(wrapper.Operands).All(a => a.Exact)
            ? parsed.OperandsAt + wrapper.Operands
            : null;

    public static void AddTo(Dictionary<string, OptionGrammar> all)
    {
        foreach (var (name, (grammar, _)) in s_wrappers)
        {
            all.Add(name, grammar);
        }
    }

    private static OptionGrammar Of(string options) => new(options) { StopsAtOperand = true };
}

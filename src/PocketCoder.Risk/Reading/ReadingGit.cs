using PocketCoder.Risks.Words;

namespace PocketCoder.Risks.Reading;

/// <summary>
/// git's commands that only look, each by its options (git 2.50's manual). Refreshing what the index remembers of files' times is not a
/// change.
/// </summary>
/// <remarks>The repository's own configuration (pagers, filters, drivers of diffs) is trusted as far as it was written with approval;
/// options that choose others are not listed.</remarks>
internal static class ReadingGit
{
    private const string DiffOptions =
        "-pusbwaz -W -R -U: -S: -G: -M. -C. -B. -D -X. -l: -# --patch --no-patch --raw --stat? --numstat --shortstat --name-only --name-status --summary --compact-summary --dirstat? --check --full-index --binary --abbrev? --unified="
        + " --minimal --patience --histogram --diff-algorithm= --anchored= --color? --no-color --color-moved? --color-words? --word-diff? --word-diff-regex= --no-renames --find-renames? --find-copies? --find-copies-harder"
        + " --break-rewrites? --irreversible-delete --diff-filter= --pickaxe-all --pickaxe-regex --relative? --no-relative --text --ignore-space-at-eol --ignore-space-change --ignore-all-space --ignore-blank-lines"
        + " --ignore-cr-at-eol --ignore-matching-lines= --inter-hunk-context= --function-context --exit-code --quiet --no-ext-diff --no-textconv --ignore-submodules? --submodule? --src-prefix= --dst-prefix= --no-prefix"
        + " --default-prefix --line-prefix= --ita-invisible-in-index --ws-error-highlight= --combined-all-paths --cc -c --output-indicator-new= --output-indicator-old= --indent-heuristic --no-indent-heuristic --no-color-moved ";

    private const string WalkOptions =
        "-n: -iEFP -g -L: --max-count= --skip= --since= --after= --until= --before= --author= --committer= --grep= --grep-reflog= --all-match --invert-grep --regexp-ignore-case --extended-regexp --fixed-strings --perl-regexp --basic-regexp"
        + " --merges --no-merges --min-parents= --max-parents= --first-parent --all --branches? --tags? --remotes? --glob= --exclude= --reflog --not --reverse --follow --topo-order --date-order --author-date-order --graph --no-graph"
        + " --left-right --left-only --right-only --cherry-pick --cherry-mark --cherry --boundary --full-history --dense --sparse --simplify-merges --simplify-by-decoration --ancestry-path? --show-pulls --merge --source --mailmap"
        + " --no-mailmap --use-mailmap --log-size --oneline --pretty? --format= --abbrev-commit --no-abbrev-commit --no-abbrev --encoding= --date= --relative-date --parents --children --decorate? --no-decorate --decorate-refs="
        + " --decorate-refs-exclude= --clear-decorations --notes? --no-notes --expand-tabs? --no-expand-tabs --show-linear-break? --no-walk? --walk-reflogs --diff-merges= --no-diff-merges -m -t -r --root ";

    private static readonly Dictionary<string, OptionGrammar> s_grammars = Build();

    /// <summary>By the command, or by the command and its first word: <c>stash list</c>.</summary>
    public static IReadOnlyDictionary<string, OptionGrammar> All => s_grammars;

    public static (OptionGrammar Grammar, int Skip)? Find(string verb, IReadOnlyList<Arg> args)
        => args is [{ Exact: true } word, ..] && s_grammars.TryGetValue($"{verb} {word.Text}", out var grammar) ? (grammar, 1)
            : s_grammars.TryGetValue(verb, out grammar) ? (grammar, 0)
            : null;

    private static Dictionary<string, OptionGrammar> Build()
    {
        var all = new Dictionary<string, OptionGrammar>(StringComparer.Ordinal);
        History(all);
        Objects(all);
        References(all);
        Trees(all);
        return all;
    }

    private static OptionGrammar Single(string options, int min = 0, int max = int.MaxValue) => new(options, min, max) { Clusters = false };

    private static void History(Dictionary<string, OptionGrammar> all)
    {
        all["log"] = all["whatchanged"] = all["show"] = all["reflog show"] = Single(DiffOptions + WalkOptions);
        all["reflog"] = Single(DiffOptions + WalkOptions) with
        { Check = p => p.Operands.All(o => o.Text is "HEAD" or "stash" || o.Text.Contains("@{", StringComparison.Ordinal)) };
        all["reflog exists"] = Single("", 1, 1);
        all["reflog list"] = Single("", 0, 0);
        all["shortlog"] = Single(WalkOptions + "-s -e -c -w. --numbered --summary --email --committer --group=") with { Clusters = true };
        all["rev-list"] = Single(WalkOptions
            + "--count --objects --disk-usage? --header --timestamp --left-right --missing= --filter= --quiet --no-object-names --unpacked --all");
        all["blame"] = all["annotate"] = new OptionGrammar(
            "-bcefhklnpstw -C. -L: -M. -S: --root --show-stats --show-name --show-number --show-email --date= --porcelain --line-porcelain --incremental --encoding= --reverse --first-parent --abbrev= --ignore-rev= --color-lines --color-by-age", 1);
        all["describe"] = new OptionGrammar(
            "--tags --all --long --always --contains --abbrev= --candidates= --exact-match --match= --exclude= --first-parent --dirty? --broken? --debug");
        all["name-rev"] = new OptionGrammar("--tags --refs= --exclude= --all --name-only --no-undefined --always");
        all["merge-base"] = new OptionGrammar("-a --all --octopus --independent --is-ancestor --fork-point", 1);
        all["cherry"] = new OptionGrammar("-v --abbrev?", 0, 3);
        all["range-diff"] = Single(DiffOptions + "--creation-factor= --no-dual-color --left-only --right-only --notes? --no-notes", 1);
        all["show-branch"] = new OptionGrammar(
            "-ar -g. --all --remotes --current --topo-order --date-order --sparse --more= --list --merge-base --independent --no-name --sha1-name --topics --color? --no-color");
    }

    private static void Objects(Dictionary<string, OptionGrammar> all)
    {
        all["rev-parse"] = Single(
            "-q --verify --quiet --short? --abbrev-ref? --symbolic --symbolic-full-name --all --branches? --tags? --remotes? --show-toplevel --show-prefix --show-cdup --git-dir --git-common-dir --absolute-git-dir --is-inside-work-tree"
            + " --is-inside-git-dir --is-bare-repository --is-shallow-repository --show-superproject-working-tree --git-path= --revs-only --no-revs --flags --no-flags --sq --not --disambiguate= --show-object-format? --show-ref-format"
            + " --since= --until= --path-format= --local-env-vars");
        all["cat-file"] = new OptionGrammar(
            "-pets --batch? --batch-check? --batch-all-objects --buffer --unordered --allow-unknown-type --follow-symlinks", 0, 2);
        all["ls-tree"] = new OptionGrammar(
            "-drtlz --long --name-only --name-status --object-only --full-name --full-tree --abbrev? --format=", 1);
        all["ls-files"] = new OptionGrammar(
            "-cdmoiskutvfz -x: -X:f --cached --deleted --modified --others --ignored --stage --killed --unmerged --directory --no-empty-directory --exclude= --exclude-from=f --exclude-standard --error-unmatch --full-name"
            + " --recurse-submodules --abbrev? --debug --eol --deduplicate --format= --with-tree=");
        all["diff"] = Single(DiffOptions + "--cached --staged --merge-base --no-index --base --ours --theirs -0 -1 -2 -3");
        all["diff-tree"] = Single(DiffOptions + "-t -r -m -v --root --stdin --pretty? --no-commit-id --always --format=", 1);
        all["diff-index"] = Single(DiffOptions + "-m --cached --merge-base", 1);
        all["diff-files"] = Single(DiffOptions + "-q -0 -1 -2 -3 --base --ours --theirs");
        all["count-objects"] = new OptionGrammar("-vH --verbose --human-readable", 0, 0);
        all["fsck"] = new OptionGrammar(
            "--full --strict --verbose --unreachable --dangling --no-dangling --root --tags --cache --no-reflogs --connectivity-only --progress --no-progress --name-objects");
        all["grep"] = new OptionGrammar(
            "-aivwlLzqochHnEGFPWpr -A: -B: -C: -e: -f:f -m: -# --cached --untracked --no-index --text --ignore-case --invert-match --word-regexp --extended-regexp --basic-regexp --fixed-strings --perl-regexp --line-number --column"
            + " --files-with-matches --name-only --files-without-match --null --only-matching --count --color? --no-color --break --heading --show-function --function-context --after-context= --before-context= --context= --and --or"
            + " --not --all-match --quiet --max-depth= --max-count= --threads= --recurse-submodules --exclude-standard --no-exclude-standard --full-name");
        all["stripspace"] = new OptionGrammar("-sc --strip-comments --comment-lines", 0, 0);
        all["patch-id"] = new OptionGrammar("--stable --unstable --verbatim", 0, 0);
        all["get-tar-commit-id"] = new OptionGrammar("", 0, 0);
        all["bundle verify"] = all["bundle list-heads"] = new OptionGrammar("-q --quiet", 1);
    }

    private static void References(Dictionary<string, OptionGrammar> all)
    {
        const string Listing =
            "--contains= --no-contains= --merged? --no-merged? --points-at= --sort= --format= --column? --no-column --color? --no-color --ignore-case --omit-empty -i ";
        all["branch"] = new OptionGrammar(Listing + "-a -r -v -q --all --remotes --verbose --abbrev= --no-abbrev --show-current", 0, 0);
        all["branch --list"] = new OptionGrammar(Listing + "-a -r -v --all --remotes --verbose --abbrev= --no-abbrev");
        all["tag"] = Single(Listing + "-n. -l --list", 0, 0);
        all["tag -l"] = all["tag --list"] = Single(Listing + "-n.");
        all["for-each-ref"] = new OptionGrammar(
            "-s --count= --sort= --format= --contains= --no-contains= --merged? --no-merged? --points-at= --shell --perl --python --tcl --ignore-case --omit-empty --include-root-refs --exclude=");
        all["show-ref"] = new OptionGrammar(
            "-dqs. --head --heads --branches --tags --dereference --hash? --verify --quiet --abbrev? --exists");
        all["symbolic-ref"] = new OptionGrammar("-q --quiet --short --recurse --no-recurse", 1, 1) { OptionsFirst = true };
        all["check-ref-format"] = new OptionGrammar("--normalize --branch --allow-onelevel --no-allow-onelevel --refspec-pattern", 1, 1);
        all["remote"] = new OptionGrammar("-v --verbose", 0, 0);
        all["remote get-url"] = new OptionGrammar("--push --all", 1, 1);
        all["stash list"] = Single(DiffOptions + WalkOptions);
        all["stash show"] = Single(DiffOptions + "--include-untracked --only-untracked", 0, 1);
        all["notes list"] = all["notes show"] = new OptionGrammar("", 0, 1);
        all["notes"] = new OptionGrammar("", 0, 0);
        all["worktree list"] = new OptionGrammar("-vz --verbose --porcelain", 0, 0);
    }

    private static void Trees(Dictionary<string, OptionGrammar> all)
    {
        all["status"] = new OptionGrammar(
            "-sbvzu. --short --branch --show-stash --porcelain? --long --verbose --untracked-files? --ignore-submodules? --ignored? --column? --no-column --ahead-behind --no-ahead-behind --renames --no-renames --find-renames?");
        all["check-ignore"] = new OptionGrammar("-qvnz --quiet --verbose --stdin --non-matching --no-index");
        all["check-attr"] = new OptionGrammar("-az --all --cached --stdin --source=");
        all["var"] = new OptionGrammar("-l", 0, 1);
        all["version"] = new OptionGrammar("--build-options", 0, 0);
        all["help"] = new OptionGrammar("-a -g -c --all --guides --config --no-external-commands", 0, 0)
        { Check = p => p.Options.Count > 0 };
        all["submodule status"] = new OptionGrammar("-q --quiet --cached --recursive");
        all["submodule"] = new OptionGrammar("-q --quiet --cached", 0, 0);
        const string Config =
            "-z -f:f --global --system --local --worktree --file=f --show-origin --show-scope --name-only --null --includes --no-includes --type= --bool --int --path --default= ";
        var one = new OptionGrammar(Config, 1, 1) { OptionsFirst = true };
        all["config"] = new OptionGrammar(Config + "-l --list --get --get-all --get-regexp --get-urlmatch", 0, 2)
        {
            Clusters = false,
            OptionsFirst = true,
            Check = p => p.Has("-l", "--list") ? p.Operands.Count == 0 : p.Has("--get", "--get-all", "--get-regexp", "--get-urlmatch")
                ? p.Operands.Count is 1 or 2 : p.Operands.Count == 1,
        };
        all["config list"] = new OptionGrammar(Config, 0, 0);
        all["config get"] = one;
    }
}

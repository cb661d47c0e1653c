using PocketCoder.Risks.Programs;
using PocketCoder.Risks.Words;

namespace PocketCoder.Risks.Reading;

/// <summary>
/// The programs that only look, each by the options and operands with which it does. Taken from the manuals of GNU coreutils 9, grep 3,
/// diffutils 3, findutils 4, util-linux 2.38, procps 4, xxd 2022, jq 1.7, ripgrep 14, fd 9, tree 2, bat 0.24, systemd 252, iproute2 6, sed
/// 4.9, gawk 5 and mawk 1.3.4.
/// </summary>
internal static class ReadingPrograms
{
    private static readonly Dictionary<string, OptionGrammar> s_grammars = Build();

    /// <summary>By the name alone or, for programs of many commands, with the first word.</summary>
    public static IReadOnlyDictionary<string, OptionGrammar> All => s_grammars;

    /// <summary>The grammar and how many words of <paramref name="args"/> belong to the name; null when there is none.</summary>
    public static (OptionGrammar Grammar, int Skip)? Find(string name, IReadOnlyList<Arg> args)
        => args is [{ Exact: true } verb, ..] && s_grammars.TryGetValue($"{name} {verb.Text}", out var grammar) ? (grammar, 1)
            : s_grammars.TryGetValue(name, out grammar) ? (grammar, 0)
            : null;

    private static Dictionary<string, OptionGrammar> Build()
    {
        var all = new Dictionary<string, OptionGrammar>(StringComparer.Ordinal);
        Texts(all);
        Places(all);
        Searches(all);
        Packed(all);
        Words(all);
        States(all);
        Scripts(all);
        Tools(all);
        WrapperGrammars.AddTo(all);
        return all;
    }

    private static void Add(Dictionary<string, OptionGrammar> all, string names, OptionGrammar grammar)
    {
        foreach (var name in names.Split(',', StringSplitOptions.TrimEntries))
        {
            all.Add(name, grammar);
        }
    }

    private static OptionGrammar Harmless(string options, int min = 0, int max = int.MaxValue)
        => new(options, min, max) { AnyOption = true };

    private static void Texts(Dictionary<string, OptionGrammar> all)
    {
        Add(all, "cat", Harmless(
            "-AbeEnstTuv --show-all --number-nonblank --show-ends --number --squeeze-blank --show-tabs --show-nonprinting"));
        Add(all, "head", Harmless("-c: -n: -qvz -# --bytes= --lines= --quiet --silent --verbose --zero-terminated"));
        Add(all, "tail", Harmless(
            "-c: -n: -s: -fFqvz -# --bytes= --lines= --follow? --pid= --retry --sleep-interval= --quiet --silent --verbose --zero-terminated"));
        Add(all, "wc", Harmless("-clLmw --bytes --chars --lines --words --max-line-length --total="));
        Add(all, "nl", Harmless(
            "-b: -d: -f: -h: -i: -l: -n: -s: -v: -w: -p --body-numbering= --number-format= --number-separator= --number-width= --starting-line-number= --line-increment="));
        Add(all, "od", Harmless(
            "-A: -j: -N: -S. -t: -w. -abcdfilosxv --address-radix= --skip-bytes= --read-bytes= --format= --output-duplicates --width? --strings? --endian="));
        Add(all, "hexdump", Harmless("-bcCdoxv -n: -s: -L. -e: --canonical --length= --skip= --no-squeezing"));
        Add(all, "strings", new OptionGrammar("-adfo -n: -t: -e: -s: -# --all --bytes= --radix= --encoding= --print-file-name")
        { Check = p => p.Operands.All(o => !o.Text.StartsWith('@')) });
        Add(all, "tac", Harmless("-br -s: --before --regex --separator="));
        Add(all, "rev", Harmless("-0 --zero"));
        Add(all, "fold", Harmless("-bs -w: --bytes --spaces --width="));
        Add(all, "fmt", Harmless(
            "-cstu -w: -g: -p: -# --width= --goal= --prefix= --split-only --uniform-spacing --crown-margin --tagged-paragraph"));
        Add(all, "expand", Harmless("-i -t: --initial --tabs="));
        Add(all, "unexpand", Harmless("-a -t: --all --first-only --tabs="));
        Add(all, "paste", Harmless("-sz -d: --serial --delimiters= --zero-terminated"));
        Add(all, "join", Harmless(
            "-iz -a: -e: -j: -o: -t: -v: -1: -2: --ignore-case --check-order --nocheck-order --header --zero-terminated", 2, 2));
        Add(all, "comm", Harmless("-123z --check-order --nocheck-order --output-delimiter= --total --zero-terminated", 2, 2));
        Add(all, "cut", Harmless(
            "-b: -c: -d: -f: -nsz --bytes= --characters= --delimiter= --fields= --complement --only-delimited --output-delimiter= --zero-terminated"));
        Add(all, "column", Harmless(
            "-teLxJ -s: -o: -c: -N: -n: -R: -E: -H: -T: -W: -l: --table --separator= --output-separator= --output-width= --table-columns= --table-right= --table-hide= --json --fillrows --keep-empty-lines"));
        Add(all, "cmp", Harmless("-bls -i: -n: --print-bytes --verbose --silent --quiet --ignore-initial= --bytes=", 1, 4));
        Add(all, "cksum,sum,md5sum,sha1sum,sha224sum,sha256sum,sha384sum,sha512sum,b2sum", Harmless(
            "-bctwzrs -a: -l: --algorithm= --length= --binary --text --check --tag --untagged --zero --ignore-missing --quiet --status --strict --warn"));
        Add(all, "base64,base32", new OptionGrammar("-di -w: --decode --ignore-garbage --wrap=", 0, 1));
        Add(all, "tr", new OptionGrammar("-cCdst --complement --delete --squeeze-repeats --truncate-set1", 1, 2));
        Add(all, "uniq", new OptionGrammar(
            "-cdDiuz -f: -s: -w: --count --repeated --all-repeated? --group? --ignore-case --unique --skip-fields= --skip-chars= --check-chars= --zero-terminated",
            0, 1)
        { OptionsFirst = true });
        Add(all, "sort,gsort", new OptionGrammar(
            "-bdfgiMhnRrVcCmsuz -k: -t: -S: --ignore-leading-blanks --dictionary-order --ignore-case --general-numeric-sort --ignore-nonprinting --month-sort --human-numeric-sort --numeric-sort"
            + " --random-sort --reverse --sort= --version-sort --check? --key= --merge --stable --buffer-size= --field-separator= --parallel= --unique --zero-terminated --debug"));
        Add(all, "xxd", new OptionGrammar("-abeupiCdEr -c: -g: -o: -s: -l:", 0, 1)
        { Clusters = false, OptionsFirst = true, Check = p => p.Options.All(o => o.Value is null || IsNumber(o.Value.Text)) });
        Add(all, "diff", Harmless(
            "-abBcdeEinNpqrstTuwyZ -C: -D: -F: -I: -L: -S: -U: -W: -x: -X:f -# --brief --report-identical-files --context? --unified? --ed --normal --rcs --side-by-side --width= --left-column --suppress-common-lines"
            + " --show-c-function --show-function-line= --label= --expand-tabs --initial-tab --tabsize= --suppress-blank-empty --recursive --no-dereference --new-file --unidirectional-new-file --ignore-file-name-case"
            + " --exclude= --exclude-from=f --starting-file= --ignore-case --ignore-tab-expansion --ignore-trailing-space --ignore-space-change --ignore-all-space --ignore-blank-lines --ignore-matching-lines= --text"
            + " --strip-trailing-cr --ifdef= --line-format= --minimal --horizon-lines= --speed-large-files --color?", 2, 2));
        Add(all, "shellcheck", new OptionGrammar("-axC -e: -f: -i: -o: -s: -S: --severity= --shell= --format= --exclude= --norc")
        { AnyOption = true });
    }

    private static void Places(Dictionary<string, OptionGrammar> all)
    {
        Add(all, "ls,dir,vdir", Harmless(
            "-aAbBcCdDfFgGhHiklLmnNopqQrRsStuUvxXZ1 -I: -T: -w: --all --almost-all --author --escape --block-size= --ignore-backups --color? --directory --dired --classify? --file-type --format= --full-time"
            + " --group-directories-first --no-group --human-readable --si --dereference-command-line --dereference-command-line-symlink-to-dir --hide= --hyperlink? --indicator-style= --inode --ignore= --kibibytes"
            + " --dereference --numeric-uid-gid --literal --hide-control-chars --show-control-chars --quote-name --quoting-style= --reverse --recursive --size --sort= --time= --time-style= --tabsize= --width= --context --zero"));
        Add(all, "stat", Harmless("-Lft -c: --dereference --file-system --format= --printf= --terse --cached=", 1));
        Add(all, "readlink", Harmless(
            "-femnqsvz --canonicalize --canonicalize-existing --canonicalize-missing --no-newline --quiet --silent --verbose --zero"));
        Add(all, "realpath", Harmless(
            "-emLPqsz --canonicalize-existing --canonicalize-missing --logical --physical --quiet --relative-to= --relative-base= --strip --no-symlinks --zero"));
        Add(all, "du", Harmless(
            "-0abchHklLmPsSDx -B: -d: -t: -X:f --null --all --apparent-size --block-size= --bytes --total --max-depth= --dereference-args --human-readable --inodes --count-links --dereference --no-dereference"
            + " --separate-dirs --si --summarize --threshold= --time? --time-style= --exclude= --exclude-from=f --one-file-system"));
        Add(all, "df", Harmless(
            "-ahHiklmPTv -B: -t: -x: --all --block-size= --human-readable --si --inodes --local --no-sync --output? --portability --total --type= --print-type --exclude-type="));
        Add(all, "file", new OptionGrammar(
            "-0bhikLNnprSs -e: -F: -P: -f:f --brief --mime --mime-type --mime-encoding --keep-going --dereference --no-dereference --raw --separator= --exclude= --files-from=f --extension"));
        Add(all, "tree", new OptionGrammar(
            "-adlfxCnqNQpugshDFrtcUvXJiSA1 -L_ -P_ -I_ --noreport --dirsfirst --filesfirst --gitignore --prune --du --si --inodes --device --matchdirs --ignore-case --sort=  --charset= --filelimit= --timefmt= --info"));
        Add(all, "basename", Harmless("-az -s: --multiple --suffix= --zero", 1));
        Add(all, "dirname", Harmless("-z --zero", 1));
        Add(all, "pwd", new OptionGrammar("-LP --logical --physical", 0, 0));
        Add(all, "which", Harmless("-as --all"));
        Add(all, "whereis", new OptionGrammar("-bmsul"));
        Add(all, "type", new OptionGrammar("-afptP"));
        Add(all, "lsblk", new OptionGrammar(
            "-abdfhiJlmnOpPrstSzT -e: -I: -o: -x: --all --bytes --nodeps --fs --json --list --output= --paths --noheadings --tree"));
    }

    private static void Searches(Dictionary<string, OptionGrammar> all)
    {
        Add(all, "grep,egrep,fgrep", Harmless(
            "-abcEFGhHiIlLnoPqrRsTUvwxyzZ -A: -B: -C: -d: -D: -e: -f:f -m: -# --extended-regexp --fixed-strings --basic-regexp --perl-regexp --regexp= --file=f --ignore-case --no-ignore-case --invert-match --word-regexp"
            + " --line-regexp --count --color? --colour? --files-without-match --files-with-matches --max-count= --only-matching --quiet --silent --no-messages --byte-offset --with-filename --no-filename --label="
            + " --line-number --initial-tab --null --after-context= --before-context= --context= --group-separator= --no-group-separator --text --binary-files= --devices= --directories= --exclude= --exclude-from=f"
            + " --exclude-dir= --include= --recursive --dereference-recursive --line-buffered --binary --null-data"));
        Add(all, "rg", new OptionGrammar(
            "-aFHiIlLcnNopPqsSuUvwx0. -A: -B: -C: -d: -e: -E: -f:f -g: -j: -m: -M: -r: -t: -T: --after-context= --before-context= --context= --count --count-matches --color= --colors= --column --no-column --crlf --debug"
            + " --dfa-size-limit= --encoding= --engine= --regexp= --file=f --files --files-with-matches --files-without-match --fixed-strings --follow --no-follow --glob= --iglob= --glob-case-insensitive --heading --no-heading"
            + " --hidden --no-hidden --ignore-case --ignore-file=f --invert-match --json --line-number --no-line-number --line-regexp --max-columns= --max-count= --max-depth= --max-filesize= --multiline --multiline-dotall"
            + " --no-config --no-filename --no-ignore --no-ignore-vcs --no-ignore-parent --no-messages --null --one-file-system --only-matching --passthru --path-separator= --pcre2 --pretty --quiet --replace= --case-sensitive"
            + " --smart-case --sort= --sortr= --stats --text --threads= --trim --type= --type-not= --type-list --unrestricted --vimgrep --with-filename --word-regexp"));
        Add(all, "ag", new OptionGrammar(
            "-acDfFhHiklLnoQrRsStuUvwzZ0 -A: -B: -C: -g: -G: -m: --hidden --nocolor --nogroup --noheading --ignore= --ignore-dir= --literal --count --files-with-matches --nofilename --numbers"));
        Add(all, "fd,fdfind", new OptionGrammar(
            "-HIusigFaLp01q -d: -e: -E: -t: -S: -c: --hidden --no-ignore --no-ignore-vcs --unrestricted --case-sensitive --ignore-case --glob --regex --fixed-strings --absolute-path --follow --full-path --print0 --max-depth="
            + " --min-depth= --exact-depth= --extension= --exclude= --type= --size= --changed-within= --changed-before= --color= --max-results= --quiet"));
        Add(all, "jq", new OptionGrammar(
            "-rcnseSCMajR --raw-output --raw-output0 --compact-output --null-input --slurp --exit-status --sort-keys --color-output --monochrome-output --ascii-output --join-output --raw-input --tab --indent= --stream --seq"
            + " --unbuffered --arg:2 --argjson:2 --slurpfile:2f --rawfile:2f --args --jsonargs",
                1)
        { Check = p => IsPlainFilter(p.Operands[0]) });
        Add(all, "yq", new OptionGrammar("-reCMNP --unwrapScalar --exit-status --prettyPrint --no-colors", 1)
        {
            Check = p => IsPlainFilter(
            p.Operands[0]) && p.Operands[0].Text is not ("eval" or "e" or "eval-all" or "ea" or "shell-completion" or "completion")
        });
        Add(all, "bat", new OptionGrammar(
            "-Anpu -l: -r: -H: --plain --number --show-all --language= --line-range= --highlight-line= --style= --color= --decorations= --tabs= --wrap= --theme=",
            1)
        { Check = p => p.Operands[0].Text != "cache" && !p.Operands[0].Glob });
    }

    private static void Packed(Dictionary<string, OptionGrammar> all)
    {
        Add(all, "zcat,bzcat,xzcat", new OptionGrammar(""));
        Add(all, "zstdcat", new OptionGrammar("") { Check = p => p.Operands.All(o => !o.Glob) });
        Add(all, "gzip,gunzip", new OptionGrammar("-cdlktvqnN --stdout --to-stdout --decompress --list --test --keep --verbose --quiet", 1)
        { Check = StaysInPlace });
        Add(all, "bzip2,bunzip2", new OptionGrammar("-cdtkvq --stdout --decompress --test --keep", 1) { Check = StaysInPlace });
        Add(all, "xz,unxz", new OptionGrammar("-cdlktvq --stdout --to-stdout --decompress --list --test --keep --robot --verbose", 1)
        { Check = StaysInPlace });
        Add(all, "zstd,unzstd", new OptionGrammar("-c -d -l -t -v -q --stdout --decompress --list --test", 1)
        { Clusters = false, Check = p => StaysInPlace(p) && p.Operands.All(o => !o.Glob) });
        var tar = new OptionGrammar(
            "-tvzjJaR -f:f --list --verbose --gzip --bzip2 --xz --zstd --auto-compress --file=f --numeric-owner --full-time --utc")
        {
            Check = p => p.Has("-t", "--list")
                && p.Options.All(o => o.Value is null || !o.Value.Text.Contains(':', StringComparison.Ordinal)),
        };
        Add(all, "tar,bsdtar,gtar", tar);
        foreach (var letters in (string[])["t", "tv", "tvv", "tz", "tvz", "tzv", "tj", "tJ", "tvj", "tvJ"])
        {
            // The old way without a dash; the letter f takes the next word.
            var old = new OptionGrammar("-v --verbose")
            { Check = p => p.Operands.Count == 0 || !p.Operands[0].Text.Contains(':', StringComparison.Ordinal) };
            Add(all, $"tar {letters}f,tar {letters}", old);
        }

        foreach (var mode in (string[])["-l", "-v", "-t", "-Z", "-Z1", "-p", "-lv"])
        {
            Add(all, $"unzip {mode}", new OptionGrammar("", 1));
        }
    }

    private static void Words(Dictionary<string, OptionGrammar> all)
    {
        Add(all, "echo,true,false,:,printf,test,[,expr,break,continue,return,shift,exit", OptionGrammar.Anything);
        Add(all, "wait", new OptionGrammar("-fn"));
        Add(all, "times", new OptionGrammar("", 0, 0));
        Add(all, "jobs", new OptionGrammar("-lnprs"));
        Add(all, "seq", new OptionGrammar("-w -f: -s: -# --format= --separator= --equal-width", 1, 3));
        Add(all, "factor", new OptionGrammar("-h --exponents"));
        Add(all, "numfmt", new OptionGrammar(
            "-d: -z --from= --to= --from-unit= --to-unit= --field= --format= --grouping --header? --invalid= --padding= --round= --suffix= --delimiter= --zero-terminated"));
        Add(all, "sleep", new OptionGrammar("", 1));
        Add(all, "yes", new OptionGrammar(""));
        Add(all, "sync", new OptionGrammar("", 0, 0));
        Add(all, "printenv", new OptionGrammar("-0 --null"));
    }

    private static void States(Dictionary<string, OptionGrammar> all)
    {
        Add(all, "date", new OptionGrammar(
            "-Ru -d: -f:f -r:f -I. --date= --file=f --reference=f --iso-8601? --rfc-3339= --rfc-email --utc --universal", 0, 1)
        { Plus = true, Check = p => p.Operands.All(o => o.Text.StartsWith('+')) });
        Add(all, "hostname", new OptionGrammar("-adfiIsyA --short --fqdn --long --domain --ip-address --all-ip-addresses", 0, 0));
        Add(all, "uname,arch", new OptionGrammar(
            "-amnoprsvi --all --kernel-name --nodename --kernel-release --kernel-version --machine --processor --operating-system", 0, 0));
        Add(all, "nproc", new OptionGrammar("--all --ignore=", 0, 0));
        Add(all, "id", new OptionGrammar("-gGnruzZ --group --groups --name --real --user --zero"));
        Add(all, "whoami,tty,logname", new OptionGrammar("-s --silent --quiet", 0, 0));
        Add(all, "groups,users", new OptionGrammar(""));
        Add(all, "who", new OptionGrammar("-abdHlmpqrstTuw --all --boot --heading --count --users", 0, 2));
        Add(all, "w", new OptionGrammar("-hsfoi --no-header --short", 0, 1));
        Add(all, "uptime", new OptionGrammar("-ps --pretty --since", 0, 0));
        Add(all, "free", new OptionGrammar("-bkmghltw -c: -s: --human --mega --giga --total --wide --si", 0, 0));
        Add(all, "cal,ncal", new OptionGrammar("-1 -3 -h -j -m -s -y -w -M -b -n: -A: -B:", 0, 3));
        Add(all, "locale", new OptionGrammar("-ackm --all-locales --category-name --keyword-name --charmaps"));
        Add(all, "getconf", new OptionGrammar("-a", 0, 2));
        Add(all, "tput", new OptionGrammar("", 1, 2)
        {
            Check = p => p.Operands[0].Text is "cols" or "lines" or "colors" or "bold" or "sgr0"
            or "smul" or "rmul" or "rev" or "setaf" or "setab" or "longname"
        });
        Add(all, "ps", new OptionGrammar(
            "-AaCdefFgGHjlLMNnSTVvwyZcx -o: -p: -u: -U: -C: -G: -t: -q: --forest --no-headers --headers --sort= --pid= --ppid= --user= --format= --cols= --width= --no-heading"));
        Add(all, "pgrep", new OptionGrammar(
            "-acdfilnorvwx -g: -G: -P: -s: -t: -u: -U: -d: --list-name --list-full --full --exact --count --newest --oldest --parent= --ignore-case --inverse", 0, 1));
        Add(all, "pidof", new OptionGrammar("-sxqw -o: -S:"));
        Add(all, "lsof", new OptionGrammar("-alnPtUb -i. -s. -p: -u: -c: -d:"));
        Add(all, "lscpu", new OptionGrammar("-abBcCeJpxy --all --json --parse? --extended?", 0, 0));
        Add(all, "lsmod", new OptionGrammar("", 0, 0));
        Add(all, "lsb_release", new OptionGrammar("-aidrcvs --all --id --description --release --codename --short", 0, 0));
        Add(all, "sw_vers", new OptionGrammar("", 0, 0));
        Add(all, "vmstat,iostat", new OptionGrammar("-adfmnstwxyhkp", 0, 2));
        Add(all, "top", new OptionGrammar("-bcHiS1 -n: -d: -p: -u: -o: -E: -e: -w.", 0, 0) { Check = p => p.Has("-b") });
        Add(all, "journalctl", new OptionGrammar(
            "-aefklqrx -b. -n: -o: -p: -t: -u: -g: -S: -U: --no-pager --since= --until= --unit= --lines= --follow --reverse --output= --priority= --grep= --boot? --dmesg --utc --quiet --system --user --disk-usage --list-boots"));
        Add(all, "dmesg", new OptionGrammar(
            "-dehHkLPrtTuwx -f: -l: --human --ctime --level= --facility= --follow --nopager --kernel --time-format= --color?", 0, 0));
        Add(all, "ss", new OptionGrammar(
            "-0460abeghHilmnOoprstuwx --no-header --numeric --all --listening --tcp --udp --unix --processes --summary"));
        Add(all, "netstat", new OptionGrammar("-46aceglnoprstuvwxWN", 0, 0));
        Add(all, "ifconfig", new OptionGrammar("-as", 0, 1));
        Add(all, "route", new OptionGrammar("-nee46", 0, 0));
        Add(all, "ip", new OptionGrammar("-4 -6 -s -d -o -j -p -c", 1, 4) { Clusters = false, Check = IsLookAtNetwork });
        Add(all, "apt-cache policy,apt-cache show,apt-cache search,apt-cache depends,apt-cache rdepends",
            new OptionGrammar("-an --names-only --installed"));
        Add(all, "dpkg-query", new OptionGrammar("-lLsSW -f: --list --listfiles --status --search --show --showformat="));
        Add(all, "kill -l,kill -L,kill --list,kill --table", new OptionGrammar("", 0, 1));
        Add(all, "crontab", new OptionGrammar("-l", 0, 0));
    }

    private static void Scripts(Dictionary<string, OptionGrammar> all)
    {
        Add(all, "awk,gawk,mawk,nawk", new OptionGrammar("-F: -v:", 1)
        {
            StopsAtOperand = true,
            Check = p => p.Operands[0].Exact && AwkScript.IsHarmless(p.Operands[0].Text)
                && p.Operands.Skip(1).All(o => o.Known && !o.MayBeOption && o.Text is not ['-' or '+', _, ..]),
        });
    }

    /// <summary>
    /// Not npm's own commands, which write a log, nor what starts a Java machine or asks .NET for all it knows: they leave files behind.
    /// </summary>
    private static void Tools(Dictionary<string, OptionGrammar> all)
    {
        var version = new OptionGrammar("-v -V --version", 0, 0) { Clusters = false, Check = p => p.Options.Count == 1 };
        Add(all, "node,nodejs,npm,pnpm,yarn,perl,ruby,php", new OptionGrammar("-v --version", 0, 0) { Check = p => p.Options.Count == 1 });
        Add(all, "python,python2,python3,python3.11,python3.12,python3.13,pypy,pypy3,cargo,pip,pip3,uv",
            new OptionGrammar("-V --version", 0, 0) { Check = p => p.Options.Count == 1 });
        Add(all, "deno,bun,julia,gdb,lldb,sqlite3,psql,mysql,redis-cli,Rscript,rustup,poetry,gem,bundle,composer",
            new OptionGrammar("--version", 0, 0) { Check = p => p.Options.Count == 1 });
        Add(all, "lua,bc", version);
        Add(all, "node --check,node -c,nodejs --check", new OptionGrammar("", 1, 1));
        Add(all, "go version,go env", new OptionGrammar("", 0, 0));
        Add(all, "dotnet", new OptionGrammar("--version --list-sdks --list-runtimes", 0, 0) { Check = p => p.Options.Count == 1 });
        Add(all, "pip list,pip freeze,pip3 list,pip3 freeze", new OptionGrammar("--local --user --format=", 0, 0));
        Add(all, "pip show,pip3 show", new OptionGrammar("-f --files", 1));
        foreach (var docker in (string[])["docker", "podman", "nerdctl"])
        {
            Add(all, $"{docker} ps,{docker} images",
                new OptionGrammar("-alnqs -f: --all --filter= --format= --no-trunc --quiet --size --last= --latest --digests"));
            Add(all, $"{docker} version,{docker} info", new OptionGrammar("-f: --format=", 0, 0));
            Add(all, $"{docker} inspect", new OptionGrammar("-fs --format= --size --type=", 1));
            Add(all, $"{docker} logs", new OptionGrammar("-ft -n: --details --follow --since= --tail= --timestamps --until=", 1, 1));
            Add(all, $"{docker} top,{docker} port,{docker} history,{docker} diff,{docker} stats",
                new OptionGrammar("-aqH --all --no-stream --no-trunc --format= --quiet --human"));
        }

        foreach (var verb in (string[])["status", "is-active", "is-enabled", "is-failed", "list-units", "list-unit-files", "list-timers",
            "list-sockets", "show", "cat"])
        {
            Add(all, $"systemctl {verb}", new OptionGrammar(
                "-alq -n: -o: -p: -t: --all --full --no-pager --quiet --lines= --output= --property= --state= --type= --plain --no-legend --user --system --value"));
        }

        Add(all, "launchctl list", new OptionGrammar("", 0, 1));
        Add(all, "apt list,apt show,apt search,apt policy", new OptionGrammar("-a --installed --upgradable --all-versions --names-only"));
        foreach (var option in (string[])["-l", "-L", "-s", "-S", "--list", "--listfiles", "--get-selections"])
        {
            Add(all, $"dpkg {option}", new OptionGrammar(""));
        }

        foreach (var option in (string[])["-q", "-qa", "-ql", "-qi", "-qf"])
        {
            Add(all, $"rpm {option}", new OptionGrammar(""));
        }

        Add(all, "pacman -Q,pacman -Qi,pacman -Ql", new OptionGrammar(""));
        Add(all, "brew list,brew info,brew leaves,brew deps", new OptionGrammar("--versions --formula --cask --tree"));
    }

    private static bool IsNumber(string text) => text.Length > 0 && text.All(c => char.IsAsciiHexDigit(c) || c is 'x' or '-' or '+')
        && text.Any(char.IsAsciiDigit) && char.IsAsciiDigit(text.TrimStart('+', '-').FirstOrDefault());

    /// <summary>
    /// Compressors leave the file where it is when they list, test or write to their output. Of <c>-t</c>, <c>-l</c> and <c>-d</c> bzip2,
    /// xz and zstd take the last one, which replaces the file.
    /// </summary>
    private static bool StaysInPlace(ParsedOptions parsed)
        => parsed.Has("-c", "--stdout", "--to-stdout") || (parsed.Has("-l", "-t", "--list", "--test") && !parsed.Has("-d", "--decompress"));

    /// <summary>
    /// A filter of jq or yq that loads nothing: a module or a file by its name may be a secret, and yq can be built to run programs.
    /// </summary>
    private static bool IsPlainFilter(Arg filter)
        => filter.Exact && !((string[])["import", "include", "load", "system", "input_filename", "modulemeta"]).Any(
            w => filter.Text.Contains(w, StringComparison.Ordinal));

    /// <summary><c>ip</c> takes every word shortened (<c>ip l s lo down</c>): only these.</summary>
    private static bool IsLookAtNetwork(ParsedOptions parsed)
    {
        List<string> words = [.. parsed.Operands.Select(o => o.Text)];
        return words[0] is "a" or "addr" or "address" or "link" or "l" or "route" or "r" or "neigh" or "rule" or "maddr"
            && (words.Count == 1 || (words[1] is "show" or "list" or "ls" && (words.Count == 2 || words.Count == 3 || words[2] == "dev")));
    }
}

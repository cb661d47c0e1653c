using System.Globalization;
using System.Text;
using PocketCoder.Processes;

namespace PocketCoder.Risks.Tests;

/// <summary>
/// Runs what is called read-only in a sandbox and looks whether anything changed: files with their modes and times, refs and configuration
/// of a repository, what the index holds, processes that stay, sockets. What git remembers of files' times in its index is not a change,
/// nor is a temporary file that is gone again.
/// </summary>
public sealed class ReadOnlySandboxTests
{
    private const string Project = "/mnt/p";
    /// <summary>Compares the state after each batch; what changed something is found by running the batch's commands one by one.</summary>
    private const string Driver = """
        export HOME=/mnt/home PATH=/usr/bin:/bin LC_ALL=C.UTF-8 GIT_CONFIG_NOSYSTEM=1
        cd /mnt/p
        git init -q -b main .; git config user.email a@b; git config user.name a
        printf 'one\ntwo\nthree\n' >a.txt; printf 'two\nthree\nfour\n' >b.txt; echo '{"a":[1,2],"b":"x"}' >data.json; mkdir -p src; printf 'class X {}\n' >src/x.cs
        printf '#!/bin/sh\ntouch /mnt/p/pwned\n' >evil.sh; chmod +x evil.sh; printf '1e touch pwned\n' >script; cp a.txt F
        git add .; git commit -qm first; git tag v1; git branch feature; echo five >>a.txt; git commit -qam second; echo six >>b.txt; git stash -q; git remote add origin /mnt/p
        git notes add -m note; for z in gzip bzip2 xz zstd; do $z -k a.txt 2>/dev/null; done; tar cf a.tar a.txt src; xxd a.txt a.hex; echo x >new.txt
        state() {
          find /mnt /tmp /dev/shm -path /mnt/p/.git -printf '%p %m\n' -o -path /tmp -printf '%p %m\n' -o -path /mnt/p/.git/index -o -path /mnt/cases -prune -o -printf '%p %y %m %U %s %C@ %l\n' 2>/dev/null | LC_ALL=C sort
          git ls-files -s
          cat /proc/net/tcp /proc/net/tcp6 /proc/net/udp /proc/net/udp6 2>/dev/null | cut -c1-40
        }
        idle() { # the process identifiers that stay, after those had time to end that do so by themselves
          local i p now
          for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
            now=; for p in /proc/[0-9]*; do [ "$p" = "/proc/$$" ] || [ "$p" = /proc/1 ] || { [ -r "$p/stat" ] && now="$now $p"; }; done
            [ -z "$now" ] && return 0
            sleep 0.1
          done
          for p in $now; do kill -9 "${p#/proc/}" 2>/dev/null; done
          return 1
        }
        run() { timeout -k 1 4 bash --norc --noprofile -c "$(cat "$1")" </dev/null >/dev/null 2>&1; }
        changed() { local after; after=$(state | cksum); if ! idle; then return 0; fi; if [ "$after" != "$before" ]; then before=$after; return 0; fi; return 1; }
        before=$(state | cksum)
        for d in /mnt/cases/*/; do
          for f in "$d"*; do run "$f"; done
          if changed; then
            guilty=; set -- "$d"*
            [ $# -eq 1 ] && guilty=${1##*/} || for f in "$d"*; do run "$f"; if changed; then guilty="$guilty ${f##*/}"; fi; done
            if [ -z "$guilty" ]; then for f in "$d"*; do guilty="$guilty ${f##*/}"; done; fi
            for g in $guilty; do echo "$g"; done
          fi
        done
        echo done
        """;

    [Fact]
    [Trait("Category", "Slow")]
    public async Task Thousands_of_commands_that_are_called_read_only_change_nothing()
    {
        const int Seed = 20261122;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {Seed}");
        var generator = new ReadingCommands(new Random(Seed));
        var commands = generator.Take(2_500);
        Assert.True(commands.Count >= 2_000, $"only {commands.Count} commands are called read-only");
        var guilty = await RunAsync(commands, batch: 20);
        Assert.True(guilty.Count == 0, $"seed {Seed}; called read-only and changed something:\n{string.Join("\n---\n", guilty)}");
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task What_changes_something_is_noticed_and_is_not_called_read_only()
    {
        string[] commands =
        [
            "xxd -ps a.txt out1", "xxd -r -ps a.hex out2", "xxd -bits a.txt out3", "sed -Ene '1e touch out4' a.txt",
            "sed -se '1w out5' a.txt", "sed -ze '1e touch out6' a.txt",
            "git remote -v set-url origin /x", "git remote -v add other /x",
            "git symbolic-ref --delete refs/notes/x; git symbolic-ref refs/notes/y refs/heads/main", "uniq a.txt out7",
            "chmod 600 a.txt", "touch -d 2020-01-01 a.txt",
            "git branch new", "git config x.y z", "sleep 300 & disown", "setsid -f sleep 300", "git diff --output=out8",
            "awk 'BEGIN{print > \"out9\"}'", "git add new.txt", "rm F",
        ];
        var guilty = await RunAsync(commands, batch: 1); // some of them change something only once
        Assert.All(commands, c => Assert.NotEqual(RiskTier.Read, ReadingCommands.Tier(c)));
        Assert.Equal(commands.Order(StringComparer.Ordinal), guilty.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("bzip2 -t {0} f")]
    [InlineData("bzip2 -t{1} f")]
    [InlineData("bunzip2 {0} --test f")]
    [InlineData("xz -l {0} f")]
    [InlineData("xz {0} --list f")]
    [InlineData("zstd -t {0} f")]
    [InlineData("gzip --test {0} f")]
    public void A_compressor_that_only_looks_is_not_told_to_unpack_besides(string command)
    {
        Assert.Equal(RiskTier.Read, ReadingCommands.Tier(string.Format(CultureInfo.InvariantCulture, command, "-v", "v")));
        Assert.NotEqual(RiskTier.Read, ReadingCommands.Tier(string.Format(CultureInfo.InvariantCulture, command, "-d", "d")));
        Assert.NotEqual(RiskTier.Read, ReadingCommands.Tier(string.Format(CultureInfo.InvariantCulture, command, "--decompress", "d")));
    }

    private static async Task<IReadOnlyList<string>> RunAsync(IReadOnlyList<string> commands, int batch)
    {
        var folder = Directory.CreateTempSubdirectory("risk-sandbox-").FullName;
        try
        {
            for (var i = 0; i < commands.Count; i++)
            {
                var part = Directory.CreateDirectory(
                    Path.Combine(folder, (i / batch).ToString("D5", CultureInfo.InvariantCulture))).FullName;
                await File.WriteAllTextAsync(
                    Path.Combine(part, i.ToString("D6", CultureInfo.InvariantCulture)), commands[i], TestContext.Current.CancellationToken);
            }

            var start = new ProcessStart
            {
                Program = "/usr/bin/bwrap",
                Arguments =
                [
                    "--unshare-all", "--new-session", "--cap-drop", "ALL", "--ro-bind", "/", "/", "--dev", "/dev", "--tmpfs", "/dev/shm",
                    "--proc", "/proc", "--tmpfs", "/tmp", "--tmpfs", "/var/tmp",
                    "--tmpfs", "/mnt", "--dir", Project, "--dir", "/mnt/home", "--ro-bind", folder, "/mnt/cases", "--chdir", Project,
                    "/bin/bash", "--norc", "--noprofile", "-c", Driver,
                ],
                WorkingDirectory = folder,
                Environment = new Dictionary<string, string>(StringComparer.Ordinal) { ["PATH"] = "/usr/bin:/bin" },
            };
            var result = await CommandRun.RunAsync(
                start, TimeSpan.FromMinutes(10), 16 << 20, TimeProvider.System, TestContext.Current.CancellationToken);
            Assert.False(result.TimedOut);
            var lines = result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.True(lines is [.., "done"], $"the driver did not get to its end ({result.ExitCode}): {result.Output}");
            return [.. lines.SkipLast(1).Where(l => l.All(char.IsAsciiDigit))
                .Select(l => commands[int.Parse(l, CultureInfo.InvariantCulture)])];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}

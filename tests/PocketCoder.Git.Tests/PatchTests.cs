using System.Text;
using PocketCoder.Processes;
using PocketCoder.Protocol;

namespace PocketCoder.Git.Tests;

/// <summary>Parts of diffs against real git: any selection of lines gives exactly the file that it should.</summary>
public sealed class PatchTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Any_lines_of_any_change_are_staged_and_taken_back_exactly()
    {
        var seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var folder = Directory.CreateTempSubdirectory("patch-").FullName;
        await GitAsync(folder, null, "init", "-q");
        string[] names = ["plain", "-dash \"quoted\"", "täb\tand\nline"];
        for (var round = 0; round < 12; round++)
        {
            var name = names[round % names.Length];
            var (before, after) = Texts(random);
            await File.WriteAllTextAsync(Path.Combine(folder, name), before);
            await GitAsync(folder, null, "add", "--all");
            await File.WriteAllTextAsync(Path.Combine(folder, name), after);
            var context = random.Next(4);
            var diff = await DiffAsync(folder, context);
            var file = DiffParser.Show(diff, []).Files.Single();
            Assert.Equal(Encoding.UTF8.GetBytes(name), GitNames.Path(file.Path));
            var selections = new List<GitSelection>();
            var taken = new HashSet<(int, int)>();
            foreach (var (hunk, h) in file.Hunks.Select((x, i) => (x, i)))
            {
                var chosen = hunk.Lines.Select((l, i) => (l, i)).Where(x => x.l.Kind != GitLineKind.Context && random.Next(2) == 0)
                    .Select(x => x.i).ToList();
                if (chosen.Count > 0)
                {
                    selections.Add(new GitSelection(file.Path, hunk.Id, chosen));
                    taken.UnionWith(chosen.Select(i => (h, i)));
                }
            }

            if (selections.Count == 0)
            {
                continue;
            }

            var wanted = Apply(before, file, taken);
            await GitAsync(folder, PatchBuilder.Build(diff, selections, [], reverse: false),
                ["apply", "--cached", "--whitespace=nowarn", .. context == 0 ? (string[])["--unidiff-zero"] : [], "-"]);
            Assert.Equal(wanted, Encoding.UTF8.GetString(await GitAsync(folder, null, "cat-file", "blob", $":{name}")));

            // The other way: what is chosen of the difference goes out of the file.
            await GitAsync(folder, null, "read-tree", "--empty");
            await File.WriteAllTextAsync(Path.Combine(folder, name), before);
            await GitAsync(folder, null, "add", "--all");
            await File.WriteAllTextAsync(Path.Combine(folder, name), after);
            await GitAsync(folder, PatchBuilder.Build(diff, selections, [], reverse: true),
                ["apply", "--reverse", "--whitespace=nowarn", .. context == 0 ? (string[])["--unidiff-zero"] : [], "-"]);
            var left = Enumerable.Range(0, file.Hunks.Count).SelectMany(h => file.Hunks[h].Lines.Select((l, i) => (l, h, i)))
                .Where(x => x.l.Kind != GitLineKind.Context && !taken.Contains((x.h, x.i))).Select(x => (x.h, x.i)).ToHashSet();
            Assert.Equal(Apply(before, file, left), await File.ReadAllTextAsync(Path.Combine(folder, name)));
            File.Delete(Path.Combine(folder, name));
            await GitAsync(folder, null, "read-tree", "--empty");
        }

        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void What_does_not_fit_or_is_no_change_is_refused()
    {
        var diff = DiffParser.Parse(
            Encoding.ASCII.GetBytes(":100644 100644 1 2 M\0f\0\0diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n"));
        var hunk = Assert.Single(Assert.Single(DiffParser.Show(diff, []).Files).Hunks);
        GitError Of(params GitSelection[] selections)
            => Assert.Throws<GitException>(() => PatchBuilder.Build(diff, selections, [], reverse: false)).Error;
        Assert.Equal(GitError.Conflict, Of(new GitSelection("f", "other")));
        Assert.Equal(GitError.InvalidName, Of(new GitSelection("f", hunk.Id, [0])));
        Assert.Equal(GitError.InvalidName, Of(new GitSelection("f", hunk.Id, [3])));
        Assert.Equal(GitError.InvalidName, Of(new GitSelection("f", hunk.Id, [])));
        Assert.Equal(GitError.InvalidName, Of(new GitSelection("f", hunk.Id), new GitSelection("f", hunk.Id)));
        Assert.Throws<GitException>(() => PatchBuilder.Build(diff, [new GitSelection("f", hunk.Id)], "elsewhere/"u8, reverse: false));
        Assert.Contains("new file mode", Encoding.ASCII.GetString(Whole("A", "000000 100644", "@@ -0,0 +1 @@\n+a\n")),
            StringComparison.Ordinal);
        Assert.Contains("deleted file mode", Encoding.ASCII.GetString(Whole("D", "100644 000000", "@@ -1 +0,0 @@\n-a\n")),
            StringComparison.Ordinal);

        static byte[] Whole(string letter, string modes, string hunk)
        {
            var one = DiffParser.Parse(Encoding.ASCII.GetBytes($":{modes} 1 2 {letter}\0f\0\0diff --git a/f b/f\n{hunk}"));
            return PatchBuilder.Build(one, [new GitSelection("f", DiffParser.Show(one, []).Files[0].Hunks[0].Id)], [], reverse: false);
        }
    }

    /// <summary>The text with only some of the changes made: the plain meaning of a selection.</summary>
    private static string Apply(string before, GitFileDiff file, HashSet<(int Hunk, int Line)> taken)
    {
        var old = before.Split('\n').SkipLast(1).ToList();
        var result = new List<string>();
        var at = 0;
        for (var h = 0; h < file.Hunks.Count; h++)
        {
            var hunk = file.Hunks[h];
            var start = hunk.OldLines == 0 ? hunk.OldStart : hunk.OldStart - 1;
            result.AddRange(old.Skip(at).Take(start - at));
            at = start + hunk.OldLines;
            for (var i = 0; i < hunk.Lines.Count; i++)
            {
                var line = hunk.Lines[i];
                if (line.Kind == GitLineKind.Context || (line.Kind == GitLineKind.Added) == taken.Contains((h, i)))
                {
                    result.Add(line.Text);
                }
            }
        }

        result.AddRange(old.Skip(at));
        return string.Concat(result.Select(l => l + "\n"));
    }

    private static (string Before, string After) Texts(Random random)
    {
        string[] words = ["", "a", "--- a/x", "+++ b/x", "@@ -1 +1 @@", "diff --git a/x b/x", " lead", "trail ", "ä",
            "\\ No newline at end of file", "x\r"];
        var before = Enumerable.Range(0, 8 + random.Next(30))
            .Select(i => words[random.Next(words.Length)] + (random.Next(3) == 0 ? $"{i}" : "")).ToList();
        var after = new List<string>(before);
        for (var i = 0; i < 1 + random.Next(8); i++)
        {
            var at = random.Next(after.Count);
            switch (random.Next(3))
            {
                case 0: after.Insert(at, $"new {i}"); break;
                case 1 when after.Count > 1: after.RemoveAt(at); break;
                default: after[at] = $"changed {i}"; break;
            }
        }

        return (string.Concat(before.Select(l => l + "\n")), string.Concat(after.Select(l => l + "\n")));
    }

    private static async Task<ParsedDiff> DiffAsync(string folder, int context)
        => DiffParser.Parse(await GitAsync(
            folder, null, ["diff", "-0", .. DiffParser.Options(context, word: false, ignoreWhitespace: false)]));

    private static async Task<byte[]> GitAsync(string folder, byte[]? input, params string[] arguments)
    {
        var start = new ProcessStart
        {
            Program = "git",
            Arguments = [.. GitHardening.Options, .. arguments],
            WorkingDirectory = folder,
            Environment = new Dictionary<string, string>(GitHardening.Environment(writes: true), StringComparer.Ordinal)
            { ["PATH"] = "/usr/local/bin:/usr/bin:/bin", ["HOME"] = "/nonexistent" },
        };
        using var limit = new CancellationTokenSource(s_limit);
        await using var git = OwnedProcess.Start(start, TimeProvider.System);
        using var output = new MemoryStream();
        using var errors = new MemoryStream();
        var reading = Task.WhenAll(git.StandardOutput.CopyToAsync(output, limit.Token), git.StandardError.CopyToAsync(errors, limit.Token));
        if (input is not null)
        {
            await git.StandardInput.WriteAsync(input, limit.Token);
        }

        git.StandardInput.Close();
        await reading;
        Assert.True(await git.Exited.WaitAsync(limit.Token) == 0,
            $"git {string.Join(' ', arguments)}: {Encoding.UTF8.GetString(errors.ToArray())}\n{(input is null ? "" : Encoding.UTF8.GetString(input))}");
        return output.ToArray();
    }
}

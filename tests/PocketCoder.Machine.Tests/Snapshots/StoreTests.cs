using System.Text;
using PocketCoder.Machine.Paths;
using PocketCoder.Machine.Snapshots;
using PocketCoder.Machine.Snapshots.Undo;
using PocketCoder.Testing;

namespace PocketCoder.Machine.Tests.Snapshots;

/// <summary>Snapshots with the real git, also of folders that mean harm.</summary>
public sealed class StoreTests
{
    [Fact]
    public async Task What_a_command_did_is_undone_to_the_byte_in_a_folder_that_is_no_repository()
    {
        await using var w = new Workspace();
        w.Write("a.txt", "one\r\ntwo");
        w.Write("dir/b", "\0binary\xff");
        await w.ShAsync("printf x > tool; chmod 750 tool; chmod 600 a.txt; ln -s a.txt link; ln -s /nowhere/at/all dangling; mkdir gone; printf 1 > gone/1");
        var first = await w.FingerprintAsync();
        var before = await w.TakeAsync();

        await w.ShAsync("printf changed > a.txt; chmod 644 a.txt; rm -r gone; printf 0 > gone; rm dir/b; rm link; ln -s tool link; rm dangling; mkdir -p new/deep; printf n > new/deep/n; chmod 700 tool");
        var after = await w.TakeAsync();
        Assert.Empty(await w.UndoAsync(before, after));

        Assert.Equal(first, await w.FingerprintAsync());
        Assert.False(Directory.Exists(w.PathOf("new")));
        await w.FsckAsync();
    }

    [Fact]
    public async Task Names_of_any_bytes_come_back()
    {
        await using var w = new Workspace();
        await w.ShAsync("""
            printf 1 > "$(printf 'new\nline')"; printf 2 > "$(printf 'bad\377\376')"; printf 3 > ./-rf; printf 4 > 'quo"te\'; printf 5 > ' '; printf 6 > "$(printf 'tab\tand\033esc')"
            mkdir "$(printf 'dir\377')"; printf 7 > "$(printf 'dir\377/in')"; printf 8 > 'zażółć'; printf 9 > '*'; printf 10 > ':(top)x'; printf 11 > '#a'; printf 12 > '!b'
            """);
        var first = await w.FingerprintAsync();
        var before = await w.TakeAsync();
        Assert.Equal(12, before.Seen.Files.Count);

        await w.ShAsync("find . -type f -delete; find . -mindepth 1 -type d -delete");
        var after = await w.TakeAsync();
        Assert.Empty(after.Seen.Files);
        Assert.Empty(await w.UndoAsync(before, after));

        Assert.Equal(first, await w.FingerprintAsync());
        Assert.Contains(before.Seen.Files.Keys, p => p.Shown == @"bad\x{ff}\x{fe}");
    }

    [Fact]
    public async Task Nothing_of_a_hostile_repository_runs_or_changes_a_byte()
    {
        await using var w = new Workspace();
        await w.ShAsync("git init -q . && git config user.email a@b && git config user.name n");
        var evil = $"touch {w.Outside}/pwned";
        w.Write("evil.sh", $"#!/bin/sh\n{evil}\ncat\n");
        await w.ShAsync($$"""
            chmod +x evil.sh
            git config filter.evil.clean '{{evil}}; cat'; git config filter.evil.smudge '{{evil}}; cat'; git config filter.evil.process '{{w.PathOf("evil.sh")}}'; git config filter.evil.required true
            git config core.fsmonitor '{{w.PathOf("evil.sh")}}'; git config core.hooksPath '{{w.Project}}/hooks'; git config core.sshCommand '{{evil}}'; git config diff.evil.textconv '{{w.PathOf("evil.sh")}}'; git config core.pager '{{evil}}'
            git config core.excludesFile '{{w.Project}}/all'; printf '*\n' > all; git config core.worktree /; git config core.autocrlf true
            mkdir hooks; for h in post-checkout pre-commit post-index-change reference-transaction fsmonitor-watchman; do cp evil.sh hooks/$h; cp evil.sh .git/hooks/$h; done
            printf '* filter=evil diff=evil text eol=crlf ident working-tree-encoding=UTF-16\n[attr]binary filter=evil\n' > .gitattributes
            printf 'crlf\r\nlf\n$Id$ zażółć' > text
            """);
        var first = await w.FingerprintAsync();
        var before = await w.TakeAsync();
        await w.ShAsync("printf 'other\n' > text; rm .gitattributes");
        var after = await w.TakeAsync();
        Assert.Empty(await w.UndoAsync(before, after));

        Assert.Equal(first, await w.FingerprintAsync());
        Assert.Equal([], Directory.GetFileSystemEntries(w.Outside));
        Assert.DoesNotContain(before.Seen.Files.Keys, p => p.Raw.StartsWith(".git/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Nested_repositories_are_covered_and_no_repository_of_the_project_is_ever_touched()
    {
        await using var w = new Workspace();
        await w.ShAsync("""
            git init -q .; git init -q empty/inner; git init -q lib; printf in > lib/in.txt; printf '*.o\n' > lib/.gitignore; printf o > lib/x.o; printf '*.log\n' > .gitignore; printf l > lib/keep.log
            mkdir -p odd/.GIT; printf x > odd/.GIT/config; printf y > odd/y
            """);
        var before = await w.TakeAsync();
        var covered = before.Seen.Files.Keys.Select(p => p.Raw).Order(StringComparer.Ordinal);
        Assert.Equal([".gitignore", "lib/.gitignore", "lib/in.txt", "lib/keep.log", "odd/y"], covered);

        await w.ShAsync("printf changed > lib/in.txt; rm -r odd/y");
        var after = await w.TakeAsync();
        Assert.Empty(await w.UndoAsync(before, after));
        Assert.Equal("in", await File.ReadAllTextAsync(w.PathOf("lib/in.txt")));
        Assert.True(File.Exists(w.PathOf("odd/y")));
        Assert.Equal("o", await File.ReadAllTextAsync(w.PathOf("lib/x.o")));
    }

    [Fact]
    public async Task A_gitignore_that_a_command_writes_hides_nothing_from_undo_and_one_that_it_empties_deletes_nothing()
    {
        await using var w = new Workspace();
        w.Write(".gitignore", "secret.env\nbuild/\n");
        w.Write("secret.env", "precious");
        w.Write("build/out", "built");
        w.Write("a", "1");
        var before = await w.TakeAsync();

        await w.ShAsync("printf '*\n' > .gitignore; printf 2 > a");
        var hidden = await w.TakeAsync();
        Assert.Empty(await w.UndoAsync(before, hidden));
        Assert.Equal("1", await File.ReadAllTextAsync(w.PathOf("a")));
        Assert.Equal("secret.env\nbuild/\n", await File.ReadAllTextAsync(w.PathOf(".gitignore")));

        before = await w.TakeAsync();
        await w.ShAsync("rm .gitignore; printf new > made");
        var shown = await w.TakeAsync();
        var (plan, now) = await w.PlanAsync((before, shown));
        Assert.Equal(["build/out", "secret.env"], plan.LeftAlone.Select(p => p.Path.Raw));
        Assert.Empty(await new Restorer(w.Store, now.Seen).ApplyAsync(plan, default));
        Assert.Equal("precious", await File.ReadAllTextAsync(w.PathOf("secret.env")));
        Assert.Equal("built", await File.ReadAllTextAsync(w.PathOf("build/out")));
        Assert.False(File.Exists(w.PathOf("made")));
    }

    [Fact]
    public async Task Only_what_it_changed_is_undone_and_what_others_changed_since_is_told()
    {
        await using var w = new Workspace();
        w.Write("mine", "1");
        w.Write("both", "1");
        w.Write("theirs", "1");
        var before = await w.TakeAsync();
        w.Write("mine", "2");
        w.Write("both", "2");
        var after = await w.TakeAsync();
        w.Write("both", "3");
        w.Write("theirs", "3");

        var (plan, now) = await w.PlanAsync((before, after));
        Assert.Equal([("both", true), ("mine", false)], plan.Steps.Select(s => (s.Path.Raw, s.ChangedSince)));
        Assert.Empty(await new Restorer(w.Store, now.Seen).ApplyAsync(plan, default));
        Assert.Equal("1", await File.ReadAllTextAsync(w.PathOf("both")));
        Assert.Equal("3", await File.ReadAllTextAsync(w.PathOf("theirs")));
    }

    [Fact]
    public async Task A_turn_goes_back_to_before_its_first_step_and_sees_what_came_between()
    {
        await using var w = new Workspace();
        w.Write("a", "0");
        w.Write("b", "0");
        var one = await w.TakeAsync();
        w.Write("a", "1");
        w.Write("b", "1");
        var oneDone = await w.TakeAsync();
        w.Write("b", "somebody");
        var two = await w.TakeAsync();
        w.Write("b", "2");
        w.Write("c", "2");
        var twoDone = await w.TakeAsync();

        var (plan, _) = await w.PlanAsync((one, oneDone), (two, twoDone));
        Assert.Equal([("a", false), ("b", true), ("c", false)], plan.Steps.Select(s => (s.Path.Raw, s.ChangedSince)));
        Assert.Equal(one.Seen.Files[new TreePath("b")].Entry.Oid, plan.Steps[1].Target!.Value.Oid);
    }

    [Fact]
    public async Task A_folder_that_is_swapped_for_a_link_leads_nowhere()
    {
        await using var w = new Workspace();
        w.Write("d/f", "inside");
        await File.WriteAllTextAsync(Path.Combine(w.Outside, "f"), "outside");
        var before = await w.TakeAsync();
        w.Write("d/f", "changed");
        w.Write("d/g", "made");
        var after = await w.TakeAsync();
        var (plan, now) = await w.PlanAsync((before, after));

        // Between the look and the deed.
        await w.ShAsync($"mv d e; ln -s {w.Outside} d; printf x > {w.Outside}/g");
        var restorer = new Restorer(w.Store, now.Seen);
        Assert.Equal(["d/f", "d/g"], restorer.Moved(plan).Select(p => p.Raw));
        Assert.Equal(["d/f"], (await restorer.ApplyAsync(plan, default)).Select(f => f.Path.Raw));
        Assert.Equal("outside", await File.ReadAllTextAsync(Path.Combine(w.Outside, "f")));
        Assert.Equal("x", await File.ReadAllTextAsync(Path.Combine(w.Outside, "g")));

        // And a snapshot reads nothing through it.
        var linked = await w.TakeAsync();
        Assert.True(linked.Seen.Files[new TreePath("d")].Entry.IsLink);
        Assert.DoesNotContain(linked.Seen.Files.Keys, p => p.Raw.StartsWith("d/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Files_beyond_the_bounds_are_left_out_and_said_and_too_many_are_a_failure()
    {
        await using var w = new Workspace(SnapshotLimits.Default with { FileBytes = 100, Files = 3 });
        w.Write("big", new string('x', 101));
        w.Write("small", "1");
        var before = await w.TakeAsync();
        Assert.Equal(["big"], before.Seen.Tree.LeftOut.Select(p => p.Raw));

        w.Write("big", "now small");
        w.Write("small", "2");
        var after = await w.TakeAsync();
        var (plan, _) = await w.PlanAsync((before, after));
        Assert.Equal(["small"], plan.Steps.Select(s => s.Path.Raw));
        Assert.Equal(["big"], plan.LeftAlone.Select(p => p.Path.Raw));

        w.Write("3", "");
        w.Write("4", "");
        var refused = await Assert.ThrowsAsync<SnapshotException>(w.TakeAsync);
        Assert.Contains("more than 3 files", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pipes_and_sockets_are_not_opened_and_a_missing_project_is_a_failure()
    {
        await using var w = new Workspace();
        await w.ShAsync("mkfifo pipe; printf 1 > file");
        Assert.Equal(["file"], (await w.TakeAsync()).Seen.Files.Keys.Select(p => p.Raw));
        Directory.Delete(w.Project, recursive: true);
        await Assert.ThrowsAsync<SnapshotException>(w.TakeAsync);
    }

    [Fact]
    public async Task A_kill_in_the_middle_leaves_a_store_that_works()
    {
        await using var w = new Workspace();
        w.Write("a", "1");
        var before = await w.TakeAsync();

        // What a killed daemon leaves: an import that heard half of a commit.
        await Assert.ThrowsAsync<OperationCanceledException>(() => w.Store.Git.OnStoreAsync(
            ["fast-import", "--quiet", "--done"],
            async (input, token) =>
            {
                await input.WriteAsync(Encoding.ASCII.GetBytes("blob\nmark :1\ndata 200000\n"), token);
                await input.WriteAsync(new byte[200001], token);
                await input.WriteAsync(Encoding.ASCII.GetBytes(
                    "commit refs/snapshots/half\ncommitter P <p@l> 1 +0000\ndata 0\nM 100644 :1 w/x\n"), token);
                await input.FlushAsync(token);
                throw new OperationCanceledException("killed");
            },
            null,
            Wait.Limit,
            default));
        await File.WriteAllTextAsync(Path.Combine(w.StoreFolder, "seen"), "torn");

        w.Open();
        w.Write("a", "2");
        var after = await w.TakeAsync();
        Assert.Empty(await w.UndoAsync(before, after));
        Assert.Equal("1", await File.ReadAllTextAsync(w.PathOf("a")));
        await w.FsckAsync();
        await w.Store.PruneAsync(new HashSet<string>(), default);
        await w.FsckAsync();
    }

    [Fact]
    public async Task Pruning_keeps_what_is_needed_and_packs_the_rest_away()
    {
        await using var w = new Workspace(SnapshotLimits.Default with { Packs = 3 });
        var taken = new List<TakenSnapshot>();
        for (var i = 0; i < 5; i++)
        {
            w.Write("a", $"version {i}");
            taken.Add(await w.TakeAsync());
        }

        await w.Store.PruneAsync(new HashSet<string> { taken[1].Commit }, default);
        Assert.Single(Directory.GetFiles(Path.Combine(w.StoreFolder, "objects", "pack"), "*.pack"));
        w.Open();
        Assert.Single((await w.Store.LoadAsync(taken[1].Commit, default)).Entries);
        await Assert.ThrowsAsync<SnapshotException>(() => w.Store.LoadAsync(taken[0].Commit, default));
        w.Write("a", "after");
        Assert.Empty(await w.UndoAsync(taken[1], await w.TakeAsync()));
        Assert.Equal("version 1", await File.ReadAllTextAsync(w.PathOf("a")));
    }

    [Fact]
    public async Task A_store_whose_base_is_gone_starts_over()
    {
        await using var w = new Workspace();
        w.Write("a", "1");
        await w.TakeAsync();
        await w.ShAsync("rm -r objects refs packed-refs 2>/dev/null || true; mkdir -p objects/pack objects/info refs", w.StoreFolder);
        w.Write("b", "2");
        Assert.Equal(2, (await w.Store.LoadAsync((await w.TakeAsync()).Commit, default)).Entries.Count);
        w.Open();
        await w.FsckAsync();
    }

    [Fact]
    public async Task As_root_what_is_brought_back_belongs_to_whom_the_place_belongs()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root can give files away");
        await using var w = new Workspace();
        await w.ShAsync("mkdir d; printf 1 > d/f; printf 1 > d/g; chown -R 12345:12345 .; chmod 700 . d; chmod 600 d/f");
        var before = await w.TakeAsync();
        Assert.Equal(2, before.Seen.Files.Count); // closed to everybody else, and listed all the same
        await w.ShAsync("printf 2 > d/f; rm d/g");
        Assert.Empty(await w.UndoAsync(before, await w.TakeAsync()));
        Assert.Equal("12345 600 ./d/f\n12345 644 ./d/g\n", await w.ShAsync("stat -c '%u %a %n' ./d/f ./d/g"));
    }

    /// <summary>Random edits, undone, are as if they had not been: content, mode, links, names.</summary>
    [Fact]
    public async Task Random_edits_are_undone_exactly()
    {
        var seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        await using var w = new Workspace();
        var edits = new RandomEdits(w.Project, random);
        for (var i = 0; i < 30; i++)
        {
            edits.Do();
        }

        for (var round = 0; round < 8; round++)
        {
            var first = await w.FingerprintAsync();
            var before = await w.TakeAsync();
            for (var i = random.Next(1, 15); i > 0; i--)
            {
                edits.Do();
            }

            var changed = await w.FingerprintAsync();
            var after = await w.TakeAsync();
            Assert.Empty(await w.UndoAsync(before, after));
            Assert.Equal(first, await w.FingerprintAsync());

            // And back again: the undo itself is undone.
            var undone = await w.TakeAsync();
            Assert.Empty(await w.UndoAsync(after, undone));
            Assert.Equal(changed, await w.FingerprintAsync());
        }

        await w.FsckAsync();
    }
}

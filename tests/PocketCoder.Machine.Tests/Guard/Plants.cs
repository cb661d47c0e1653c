using PocketCoder.Processes;
using PocketCoder.Testing;

namespace PocketCoder.Machine.Tests.Guard;

/// <summary>A way to make the owner's git run a program, with what must be there for it.</summary>
/// <param name="Setup">What the owner did before; a script run in the project by the owner.</param>
/// <param name="Plant">What a command does; <c>$EVIL</c> is the program.</param>
/// <param name="Look">What the owner does then.</param>
/// <param name="Prevented">In a sandbox it does not come so far.</param>
internal sealed record Planting(string Name, string Setup, string Plant, string Look, bool Prevented = false)
{
    private const string Settings =
        "printf '[core]\\n\\trepositoryformatversion = 0\\n\\tbare = false\\n\\tfsmonitor = \"%s\"\\n' \"$EVIL\"";

    public static IReadOnlyList<Planting> All { get; } =
    [
        new("commondir", "", $"mkdir -p x/objects x/refs; {Settings} > x/config; echo \"$PWD/x\" > .git/commondir",
            "git status; git diff; git log -1; git ls-files -m"),
        new(
            "commondir of a worktree", "git worktree add -q wt",
            $"mkdir -p x/objects x/refs; {Settings} > x/config; echo \"$PWD/x\" > .git/worktrees/wt/commondir",
            "cd wt; git status; git diff", Prevented: true),
        new(
            "settings of a submodule",
            "git init -q sub; (cd sub; echo x > f; git add f; git commit -qm sub); git -c protocol.file.allow=always submodule --quiet add ./sub sub; git submodule --quiet absorbgitdirs; git commit -qm sub",
            $"{Settings} >> .git/modules/sub/config", "git status; cd sub; git status", Prevented: true),
        new(
            "a nested repository with a gitlink", "",
            $"git init -q v; echo x > v/f; git -C v add f; git -C v -c user.name=a -c user.email=b commit -qm v; {Settings} >> v/.git/config; git update-index --add --cacheinfo 160000,$(git -C v -c core.fsmonitor=false rev-parse HEAD),v",
            "git status; git diff; cd v; git status"),
        new(
            "the project as a bare repository", "",
            $"cp .git/index index; mkdir objects refs; {Settings} > config; printf '\\tworktree = .\\n' >> config; mv .git/HEAD HEAD",
            "git status; git diff"),
        new("a bare repository in a folder", "",
            $"mkdir b b/objects b/refs; cp .git/index b/index; cp .git/HEAD b/HEAD; {Settings} > b/config; printf '\\tworktree = .\\n' >> b/config",
            "cd b; git status"),
        new("a file for a folder", "", $"cp -r .git y; {Settings} >> y/config; mkdir w; echo 'gitdir: ../y' > w/.git",
            "cd w; git status; git diff"),
        new("a link for a folder", "", $"cp -r .git y; {Settings} >> y/config; mkdir w; ln -s ../y w/.git", "cd w; git status; git diff"),
        new("a second file of settings", "git config extensions.worktreeConfig true", $"{Settings} > .git/config.worktree", "git status"),
        new("an included file", "git config include.path ../more; touch more", $"{Settings} > more", "git status", Prevented: true),
        new("a file included on a condition", "git config 'includeIf.gitdir:**.path' ../more; touch more", $"{Settings} > more",
            "git status", Prevented: true),
        new("a hook", "rm -r .git/hooks", "mkdir -p .git/hooks; cp \"$EVIL\" .git/hooks/post-index-change",
            "touch f; git status; git add f", Prevented: true),
        new("a hook elsewhere", "mkdir hks; git config core.hooksPath hks", "cp \"$EVIL\" hks/pre-commit",
            "git commit -q --allow-empty -m x", Prevented: true),
        new(
            "attributes for the owner's own filter", "git config --global filter.own.clean \"$EVIL; cat\"",
            "mkdir -p .git/info; echo '* filter=own' > .git/info/attributes", "touch f; git status; git diff"),
        new("attributes where there were none", "rm -rf .git/info; git config --global filter.own.clean \"$EVIL; cat\"",
            "mkdir -p .git/info; echo '* filter=own' > .git/info/attributes", "touch f; git status; git diff"),
        new("a repository whose settings come from elsewhere", "",
            $"git init -q n; mkdir -p x/objects x/refs; {Settings} > x/config; echo ../../x > n/.git/commondir; cp .git/index n/.git/index",
            "cd n; git status"),
        new("a repository by a name that is no text", "",
            $"d=$(printf 'a\\377b'); git init -q \"$d\"; echo x > \"$d/f\"; git -C \"$d\" add f; {Settings} >> \"$d/.git/config\"",
            "cd a?b; git status"),
        new("a repository in a folder that can't be listed", "",
            $"mkdir h; git init -q h/n; echo x > h/n/f; git -C h/n add f; {Settings} >> h/n/.git/config; chmod 300 h",
            "cd h/n; git status"),
    ];

    public override string ToString() => Name;
}

/// <summary>A repository of an owner, with a home and a program that leaves a mark when it runs. All temporary.</summary>
internal sealed class Owner : IAsyncDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("pc-plant-").FullName;

    private Owner(string? project) => Project = project ?? Path.Combine(_root, "project");

    public string Project { get; }

    public string Evil => Path.Combine(Project, "evil.sh");

    /// <summary>Whether the program ran, since the last time this was asked.</summary>
    public bool Ran
    {
        get
        {
            var ran = File.Exists(Path.Combine(_root, "mark"));
            File.Delete(Path.Combine(_root, "mark"));
            return ran;
        }
    }

    /// <param name="project">An empty folder that is there; null: one of its own.</param>
    public static async Task<Owner> CreateAsync(string? project = null)
    {
        var owner = new Owner(project);
        Directory.CreateDirectory(owner.Project);
        await owner.ShAsync(
            "git config --global user.name Owner; git config --global user.email o@example.org; git config --global init.defaultBranch main; git init -q .; echo x > f; echo y > g");
        await File.WriteAllTextAsync(owner.Evil, $"#!/bin/sh\n: > '{Path.Combine(owner._root, "mark")}' 2>/dev/null\n");
        await owner.ShAsync("chmod 755 evil.sh; git add .; git commit -qm first");
        return owner;
    }

    /// <summary>As the owner, on the machine itself.</summary>
    public async Task<string> ShAsync(string script, bool mayFail = false)
    {
        var result = await CommandRun.RunAsync(
            new ProcessStart
            {
                Program = "/bin/sh",
                Arguments = [mayFail ? "-c" : "-ec", script],
                WorkingDirectory = Project,
                Environment = new Dictionary<string, string>
                {
                    ["PATH"] = "/usr/bin:/bin",
                    ["HOME"] = _root,
                    ["GIT_CONFIG_NOSYSTEM"] = "1",
                    ["EVIL"] = Evil,
                    ["LC_ALL"] = "C.UTF-8"
                },
            },
            Wait.Limit, 1024 * 1024, TimeProvider.System, default);
        Assert.True(mayFail || result.ExitCode == 0, $"{script}\n{result.Output}");
        return result.Output;
    }

    /// <summary>What an owner does: looks in the project, and where the attack wants them.</summary>
    public Task<string> LookAsync(Planting planting)
        => ShAsync($"(git status; git diff; git log -1) 2>&1; ({planting.Look}) 2>&1", mayFail: true);

    public async ValueTask DisposeAsync()
        => await ShAsync($"chmod -R u+rwx '{_root}' '{Project}'; rm -rf '{_root}' '{Project}'/*", mayFail: true);
}

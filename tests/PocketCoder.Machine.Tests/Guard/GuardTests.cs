using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using PocketCoder.Git;
using PocketCoder.Machine.Guard;

namespace PocketCoder.Machine.Tests.Guard;

/// <summary>The guard by itself: what it finds, and what it lets be.</summary>
public sealed class GuardTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_was_planted_while_the_daemon_was_dead_is_found_when_it_is_back(bool wasEarlierVersion)
    {
        await using var owner = await Owner.CreateAsync();
        using (var killed = Of(owner))
        {
            await killed.BeginAsync(owner.Project, open: false);
        }

        if (wasEarlierVersion)
        {
            var kept = Assert.Single(Directory.GetFiles(StateOf(owner)));
            await File.WriteAllBytesAsync(Path.ChangeExtension(kept, "json"), SlotFile.Read(kept)!);
            File.Delete(kept);
        }

        await owner.ShAsync(Planting.All[0].Plant); // nobody watches

        using var guard = Of(owner);
        var told = new List<string?>();
        await guard.RecoverAsync((_, report) =>
        {
            told.Add(report.Alarm);
            return Task.CompletedTask;
        });
        Assert.Contains(".git/commondir", Assert.Single(told), StringComparison.Ordinal);
        await owner.LookAsync(Planting.All[0]);
        Assert.False(owner.Ran);
        await guard.RecoverAsync((_, _) => throw new InvalidOperationException("once"));
    }

    [Fact]
    public async Task What_the_owner_changes_after_a_command_ended_is_not_compared_by_the_next_daemon()
    {
        await using var owner = await Owner.CreateAsync();
        using (var killed = Of(owner))
        {
            await (await killed.BeginAsync(owner.Project, open: false))!.EndAsync();
        }

        Assert.DoesNotContain(Directory.GetFiles(StateOf(owner)).SelectMany(File.ReadAllBytes), b => b != 0);
        await owner.ShAsync(Planting.All[0].Plant);
        using var guard = Of(owner);
        await guard.RecoverAsync((_, report) => throw new InvalidOperationException(report.Alarm));
        Assert.Empty(Directory.GetFiles(StateOf(owner)));
    }

    [Fact]
    public async Task Whatever_is_planted_together_and_wherever_the_owners_git_runs_none_of_it()
    {
        var random = new Random(42);
        for (var round = 0; round < 12; round++)
        {
            await using var owner = await Owner.CreateAsync();
            using var guard = Of(owner);
            var chosen = Planting.All.Where(_ => random.Next(4) == 0).DefaultIfEmpty(Planting.All[random.Next(Planting.All.Count)])
                .ToList();
            foreach (var planting in chosen)
            {
                await owner.ShAsync(planting.Setup, mayFail: true);
            }

            _ = owner.Ran;
            var run = (await guard.BeginAsync(owner.Project, open: false))!;
            foreach (var planting in chosen.OrderBy(_ => random.Next()))
            {
                await owner.ShAsync(planting.Plant, mayFail: true);
            }

            var report = await run.EndAsync();
            _ = owner.Ran;
            var said = new StringBuilder();
            foreach (var planting in chosen)
            {
                said.Append(await owner.LookAsync(planting));
            }

            Assert.False(owner.Ran, $"{string.Join(", ", chosen)}\n{report.Alarm}\n{said}");
            Assert.NotNull(report.Alarm);
            Assert.DoesNotContain("NOT", report.Alarm, StringComparison.Ordinal);
            await owner.ShAsync("git log -1"); // still the owner's repository
        }
    }

    [Theory]
    [InlineData("echo 'use flake' > .envrc", ".envrc")]
    [InlineData("mkdir -p a/.vscode; echo '{}' > a/.vscode/tasks.json", "a/.vscode/tasks.json")]
    [InlineData("mkdir .idea; echo x > .idea/workspace.xml", ".idea/workspace.xml")]
    [InlineData("mkdir .husky; echo x > .husky/pre-commit", ".husky/pre-commit")]
    [InlineData("echo .mcp.json > .gitignore; echo '{}' > .mcp.json", ".mcp.json")]
    public async Task Files_that_other_tools_obey_are_an_alarm_though_they_were_not_there_before(string script, string path)
    {
        await using var owner = await Owner.CreateAsync();
        using var guard = Of(owner);
        var run = (await guard.BeginAsync(owner.Project, open: false))!;
        await owner.ShAsync(script);
        Assert.Contains(path, (await run.EndAsync()).Alarm, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(owner.Project, path))); // told, not taken away: projects begin with such files
    }

    [Fact]
    public async Task Scripts_of_a_package_are_told_and_other_changes_of_it_are_not()
    {
        await using var owner = await Owner.CreateAsync();
        using var guard = Of(owner);
        await owner.ShAsync("""echo '{"name":"a","scripts":{"test":"x"}}' > package.json""");
        var run = (await guard.BeginAsync(owner.Project, open: false))!;
        await owner.ShAsync("""echo '{"name":"b", "scripts":{"test":"x"}}' > package.json""");
        var report = await run.EndAsync();
        Assert.Null(report.Notice);
        run = (await guard.BeginAsync(owner.Project, open: false))!;
        await owner.ShAsync("""echo '{"name":"b", "scripts":{"test":"x","postinstall":"evil"}}' > package.json""");
        report = await run.EndAsync();
        Assert.Contains("package.json", report.Notice, StringComparison.Ordinal);
        Assert.Null(report.Alarm);
    }

    [Fact]
    public async Task What_was_there_before_is_the_owners_and_harmless_settings_stay()
    {
        await using var owner = await Owner.CreateAsync();
        using var guard = Of(owner);
        await owner.ShAsync("git config core.sshCommand 'ssh -v'; cp evil.sh .git/hooks/pre-push");
        var before = await owner.ShAsync("cat .git/config");
        var run = (await guard.BeginAsync(owner.Project, open: false))!;
        await owner.ShAsync(
            "git remote add origin https://example.org/x.git; git config branch.main.remote origin; git checkout -q -b next; git gc -q");
        var report = await run.EndAsync();
        Assert.Null(report.Alarm);
        Assert.Contains("remote.origin.url", report.Notice, StringComparison.Ordinal);
        Assert.NotEqual(before, await owner.ShAsync("cat .git/config"));

        run = (await guard.BeginAsync(owner.Project, open: false))!;
        before = await owner.ShAsync("cat .git/config");
        await owner.ShAsync("git config remote.origin.uploadpack evil");
        Assert.Contains("remote.origin.uploadpack", (await run.EndAsync()).Alarm, StringComparison.Ordinal);
        Assert.Equal(before, await owner.ShAsync("cat .git/config")); // to the byte

        run = (await guard.BeginAsync(owner.Project, open: true))!;
        await owner.ShAsync("git config core.editor vim; cp evil.sh .git/hooks/pre-commit");
        report = await run.EndAsync();
        Assert.Null(report.Alarm);
        Assert.Contains("core.editor", report.Notice, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_one_plants_while_another_may_change_settings_does_not_pass_for_allowed()
    {
        await using var owner = await Owner.CreateAsync();
        using var guard = Of(owner);
        var job = (await guard.BeginAsync(owner.Project, open: false))!;
        await owner.ShAsync("git init -q v; cp evil.sh v/.git/hooks/post-checkout");
        var allowed = (await guard.BeginAsync(owner.Project, open: true))!;
        await owner.ShAsync("mkdir x; echo ../x > .git/commondir");
        var first = await allowed.EndAsync();
        Assert.Contains("v/.git/hooks/post-checkout", first.Alarm, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(owner.Project, ".git/commondir"))); // never by the way
        Assert.Null((await job.EndAsync()).Alarm);
    }

    [Fact]
    public async Task Settings_are_read_as_git_reads_them()
    {
        await using var owner = await Owner.CreateAsync();
        string[] parts = ["[core]", "[Core]", "[a \"B\"]", "[a \"x\\\"y\"]", "[a.b]", "\n", "\n", "\t", " ", "k", "Key", "key-2", "=",
            " = ", "\"", "\\", "\\\n", "\\n", "#", ";", "v", "fsmonitor = x", "[core] fsmonitor = y", "\r\n", "\r", "x y", "]", "[", "1",
            "é"];
        var random = new Random(7);
        var file = Path.Combine(owner.Project, "settings");
        for (var round = 0; round < 400; round++)
        {
            var bytes = Encoding.UTF8.GetBytes((random.Next(3) > 0 ? "[core]\n" : "") + string.Concat(
                Enumerable.Range(0, random.Next(1, 12)).Select(_ => parts[random.Next(parts.Length)])));
            await File.WriteAllBytesAsync(file, bytes);
            var said = await owner.ShAsync(
                "git config -f settings --list -z 2>/dev/null | od -An -v -tx1; git config -f settings --list >/dev/null 2>&1 && echo fine",
                mayFail: true);
            var fine = said.Contains("fine", StringComparison.Ordinal);
            var listed = Encoding.Latin1.GetString(Convert.FromHexString(
                said.Replace("fine", "", StringComparison.Ordinal).ReplaceLineEndings("").Replace(" ", "", StringComparison.Ordinal)));
            var parsed = GitSettings.Parse(bytes);
            Assert.True(fine == parsed is not null, $"git: {fine}\n{Encoding.UTF8.GetString(bytes)}");
            if (parsed is not null)
            {
                Assert.Equal(listed, string.Concat(parsed.Select(s => s.Value is null ? $"{s.Key}\0" : $"{s.Key}\n{s.Value}\0")));
            }
        }
    }

    [Fact]
    public async Task A_look_that_is_in_hand_when_the_guard_is_disposed_of_goes_on_to_its_end()
    {
        await using var owner = await Owner.CreateAsync();
        for (var round = 0; round < 5; round++)
        {
            var guard = Of(owner);
            var run = (await guard.BeginAsync(owner.Project, open: false))!;
            var end = run.EndAsync();
            guard.Dispose();
            Assert.Null((await end).Alarm);

            run = (await guard.BeginAsync(owner.Project, open: false))!; // asked too late: looked at all the same, and not watched
            Assert.Null((await run.EndAsync()).Alarm);
        }
    }

    private static RepositoryGuard Of(Owner owner) => new(owner.Project + "-kept", StateOf(owner), NullLogger.Instance);

    private static string StateOf(Owner owner) => owner.Project + "-state";
}

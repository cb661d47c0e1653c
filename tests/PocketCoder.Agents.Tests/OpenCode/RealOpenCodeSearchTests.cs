using System.Text.Json;
using PocketCoder.Agents;
using PocketCoder.Testing.Agents;

namespace PocketCoder.Agents.Tests.OpenCode;

/// <summary>
/// OpenCode's own tools for reading and searching, which inside the project nobody is asked about, with the real ripgrep behind them: what
/// a model could write into their input so that something runs, is written, or is read elsewhere.
/// </summary>
[Trait("Category", "Slow")]
public sealed class RealOpenCodeSearchTests(RealOpenCodeFixture openCode) : IClassFixture<RealOpenCodeFixture>
{
    [Fact]
    public async Task What_looks_like_an_option_is_a_pattern_and_no_search_leaves_the_project_or_runs_anything()
    {
        using var home = openCode.NewHome();
        home.Environment["PATH"] = $"{await RealAgents.RipGrepFolderAsync()}:{home.Environment["PATH"]}";
        var outside = Directory.CreateDirectory(Path.Combine(home.Home, "private")).FullName;
        await File.WriteAllTextAsync(Path.Combine(outside, "secret.txt"), "needle 4711\n");
        await File.WriteAllTextAsync(home.InProject("notes.txt"), "a needle in a haystack\n--pre=./run.sh is an option\n");
        await File.WriteAllTextAsync(home.InProject("-dash.txt"), "needle with a dash\n");
        await File.WriteAllTextAsync(home.InProject("run.sh"), "#!/bin/sh\ntouch ran\necho need''le 47''12\n");
        File.SetUnixFileMode(home.InProject("run.sh"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.CreateSymbolicLink(home.InProject("link.txt"), Path.Combine(outside, "secret.txt"));
        Directory.CreateSymbolicLink(home.InProject("folder"), outside);
        await File.WriteAllTextAsync(home.InProject(".ripgreprc"), "--pre=./run.sh\n--follow\n");
        home.Environment["RIPGREP_CONFIG_PATH"] = home.InProject(".ripgreprc");
        var there = Directory.GetFileSystemEntries(home.Project).Order(StringComparer.Ordinal).ToList();
        await using var run = await RealOpenCodeFixture.StartAsync(home);

        // They do work, so that what follows says something.
        Assert.Contains("a needle in a haystack", await SearchAsync(("grep", new { pattern = "needle" })), StringComparison.Ordinal);
        Assert.Contains("is an option", await SearchAsync(("grep", new { pattern = "--pre=./run.sh" })), StringComparison.Ordinal);
        Assert.Contains("notes.txt", await SearchAsync(("glob", new { pattern = "*.txt" })), StringComparison.Ordinal);

        List<(string Tool, object Input)> calls = [];
        foreach (var pattern in (string[])["--pre=./run.sh", "-f/etc/passwd", "-e needle --follow", "--",
            "$(touch ran)`touch ran`; touch ran"])
        {
            calls.AddRange([
                ("grep", new { pattern }), ("grep", new { pattern = "needle", include = pattern }),
                ("grep", new { pattern = "needle", path = pattern }), ("glob", new { pattern }),
                ("glob", new { pattern = "*", path = pattern }), ("read", new { filePath = pattern }),
            ]);
        }

        foreach (var pattern in (string[])["../**", $"{outside}/*", "{../home/private/*,*.none}", "folder/*", "**/secret.txt"])
        {
            calls.AddRange([("grep", new { pattern = "needle", include = pattern }), ("glob", new { pattern })]);
        }

        var before = run.Of<AgentToolResult>().Count;
        await SearchAsync([.. calls]);
        Assert.Equal(calls.Count, run.Of<AgentToolResult>().Count - before);

        // Where it would look elsewhere a person is asked, links resolved.
        foreach (var (tool, path) in new[] { ("grep", "folder"), ("glob", "folder"), ("grep", "link.txt"), ("grep", outside),
            ("glob", ".."), ("glob", "--/../folder"), ("grep", "\0--pre=./run.sh") })
        {
            await run.PromptAsync($"TOOL: {tool} {JsonSerializer.Serialize(new { pattern = "needle*", path })}");
            var asked = await run.NextAsync<AgentApprovalAsked>();
            Assert.Equal(new AgentSubject.Tool(tool), asked.Subject);
            await run.AnswerAsync(asked.RequestId, new AgentAnswer.Deny("not there"));
            await run.NextAsync<AgentTurnEnded>();
        }

        Assert.DoesNotContain(run.Of<AgentToolResult>(), r => r.Output.Contains("4711", StringComparison.Ordinal)
            || r.Output.Contains("4712", StringComparison.Ordinal) || r.Output.Contains("root:x:0", StringComparison.Ordinal));
        Assert.DoesNotContain(run.Of<AgentToolResult>(), r => r.Output.Contains("secret.txt", StringComparison.Ordinal)
            || r.Output.Contains("/etc/passwd", StringComparison.Ordinal) && !r.Output.Contains("-f/etc/passwd", StringComparison.Ordinal));
        Assert.Equal(there, Directory.GetFileSystemEntries(home.Project).Order(StringComparer.Ordinal));

        async Task<string> SearchAsync(params (string Tool, object Input)[] inputs)
        {
            var asked = run.Of<AgentApprovalAsked>().Count;
            Assert.Equal(TurnOutcome.Completed, (await run.TurnAsync(
                string.Join('\n', inputs.Select(i => $"TOOL: {i.Tool} {JsonSerializer.Serialize(i.Input)}")))).Outcome);
            Assert.Equal(asked, run.Of<AgentApprovalAsked>().Count);
            return run.Of<AgentToolResult>()[^1].Output;
        }
    }
}

using PocketCoder.Agents;
using PocketCoder.Agents.Acp;
using PocketCoder.Agents.Claude;
using PocketCoder.Agents.Codex;
using PocketCoder.Agents.OpenCode;
using PocketCoder.Testing;

namespace PocketCoder.Agents.Tests.Shared;

/// <summary>"Not installed" is said of a program that is not there, and of no other.</summary>
public sealed class ProgramProbeTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pocketcoder-probe-");

    public static TheoryData<string> Agents => ["claude", "codex", "opencode", "gemini"];

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [MemberData(nameof(Agents))]
    public async Task A_program_that_does_not_answer_in_time_has_not_answered_yet(string agent)
    {
        var time = new ManualTime();
        var asked = Driver(agent, Script("sleep 300"), time).ProbeAsync(CancellationToken.None);
        await Wait.UntilAsync(
            () =>
            {
                time.Advance(TimeSpan.FromSeconds(1));
                return asked.IsCompleted;
            },
            "the time is over");
        var probe = await asked;
        Assert.True(probe is { Installed: true, Unanswered: true, Version: null }, $"{probe}");
        Assert.Contains("has not answered yet", probe.Advice, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Agents))]
    public async Task A_program_that_fails_or_says_no_version_is_there_and_one_that_is_missing_is_not(string agent)
    {
        foreach (var body in (string[])["exit 1", "echo nothing of the kind"])
        {
            var probe = await Driver(agent, Script(body), TimeProvider.System).ProbeAsync(CancellationToken.None);
            Assert.True(probe is { Installed: true, Unanswered: true, Version: null }, $"{probe}");
            Assert.Contains("does not tell its version", probe.Advice, StringComparison.Ordinal);
        }

        var known = await Driver(agent, Script("echo 1.2.3"), TimeProvider.System).ProbeAsync(CancellationToken.None);
        Assert.True(known is { Installed: true, Unanswered: false, Version: "1.2.3" }, $"{known}");
        var missing = await Driver(agent, Path.Combine(_folder.FullName, "nowhere"), TimeProvider.System)
            .ProbeAsync(CancellationToken.None);
        Assert.True(missing is { Installed: false, Unanswered: false }, $"{missing}");
    }

    private static IAgentDriver Driver(string agent, string program, TimeProvider time)
    {
        var environment = new Dictionary<string, string>(StringComparer.Ordinal)
        { ["PATH"] = "/usr/bin:/bin", ["HOME"] = "/", [$"POCKETCODER_{agent.ToUpperInvariant()}"] = program };
        return agent switch
        {
            "claude" => new ClaudeDriver(time, environment),
            "codex" => new CodexDriver(time, environment),
            "opencode" => new OpenCodeDriver(time, environment),
            _ => new AcpDriver(AcpAgent.Gemini, time, environment),
        };
    }

    private string Script(string body)
    {
        var path = Path.Combine(_folder.FullName, $"program-{Guid.CreateVersion7():N}");
        File.WriteAllText(path, $"#!/bin/sh\n{body}\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        return path;
    }
}

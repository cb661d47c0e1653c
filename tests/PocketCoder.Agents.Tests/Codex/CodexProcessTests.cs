using PocketCoder.Agents;
using PocketCoder.Agents.Codex;
using PocketCoder.Processes;
using PocketCoder.Testing;

namespace PocketCoder.Agents.Tests.Codex;

/// <summary>The driver against programs that only claim to be Codex.</summary>
public sealed class CodexProcessTests : IDisposable
{
    private const string Secret = "sk-very-secret-value-2";

    private const string Hello =
        """
        read -r line; echo '{"id":1,"result":{"userAgent":"pocketcoder/9.9.9 (x)"}}'
        read -r line; read -r line; echo '{"id":2,"result":{"config":{"mcp_servers":{"mine":{"command":"x"}}}}}'
        read -r line; echo "$line" > started
        """;

    private const string Ready = Hello + "\n" +
        """echo '{"id":3,"result":{"thread":{"id":"T"},"model":"m","approvalPolicy":"untrusted","approvalsReviewer":"user","sandbox":{"type":"readOnly"}}}'""" + "\n";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pocketcoder-test-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task What_it_says_on_its_end_is_told_without_secrets()
    {
        var error = await Assert.ThrowsAsync<AgentException>(
            () => StartAsync("echo warming up >&2; echo \"cannot go on with $OPENAI_API_KEY\" >&2; exit 9"));
        Assert.Equal((AgentError.FailedToStart, "Codex ended before it was ready: cannot go on with [secret]"),
            (error.Error, error.Message));
    }

    [Theory]
    [InlineData("on-request", "user", "readOnly")]
    [InlineData("untrusted", "auto_review", "readOnly")]
    [InlineData("untrusted", "user", "dangerFullAccess")]
    public async Task An_answer_that_does_not_hold_the_gate_ends_it(string policy, string reviewer, string sandbox)
    {
        var error = await Assert.ThrowsAsync<AgentException>(() => StartAsync(
            $$"""
            {{Hello}}
            echo '{"id":3,"result":{"thread":{"id":"T"},"approvalPolicy":"{{policy}}","approvalsReviewer":"{{reviewer}}","sandbox":{"type":"{{sandbox}}"} } }'; sleep 300
            """));
        Assert.Equal(AgentError.FailedToStart, error.Error);
        Assert.Contains("acting by itself", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Servers_of_the_persons_own_settings_are_switched_off_and_the_tools_and_locks_are_said()
    {
        var run = new AgentRun(await StartAsync(Ready + "sleep 300"));
        var started = await File.ReadAllTextAsync(Path.Combine(_folder.FullName, "started"));
        foreach (var words in (string[])["\"mcp_servers\":{\"mine\":{\"enabled\":false}}", "\"environments\":[]",
            "\"approvalPolicy\":\"untrusted\"", "\"sandbox\":\"read-only\"", "\"name\":\"bash\""])
        {
            Assert.Contains(words, started, StringComparison.Ordinal);
        }

        Assert.Equal("9.9.9", (await run.NextAsync<AgentReady>()).Version);
        await run.EndAsync();
    }

    [Fact]
    public async Task A_command_of_its_own_ends_the_program_before_anything_else()
    {
        var run = new AgentRun(await StartAsync(Ready +
            """
            until read -r line; case "$line" in *'"turn/start"'*) true ;; *) false ;; esac; do :; done
            echo '{"method":"item/started","params":{"item":{"type":"commandExecution","id":"c"},"threadId":"T"}}'; sleep 300
            """));
        await run.PromptAsync("hello");
        Assert.Contains("commandExecution", (await run.NextAsync<AgentEnded>()).Reason, StringComparison.Ordinal);
        Assert.False(ProcessGroup.IsAnyAlive(run.Process.Process!));
        await run.EndAsync();
    }

    [Fact]
    public async Task An_end_in_the_middle_of_a_turn_closes_the_open_card_and_the_open_block_and_kills_our_command()
    {
        var run = new AgentRun(await StartAsync(Ready +
            """
            until read -r line; case "$line" in *'"turn/start"'*) true ;; *) false ;; esac; do :; done
            echo '{"method":"item/agentMessage/delta","params":{"threadId":"T","itemId":"m","delta":"half a"}}'
            echo '{"method":"item/tool/call","id":1,"params":{"threadId":"T","callId":"a","tool":"bash","arguments":{"command":"echo $$ > pid.new; mv pid.new pid; sleep 300"}}}'
            echo '{"method":"item/tool/call","id":2,"params":{"threadId":"T","callId":"b","tool":"bash","arguments":{"command":"ls"}}}'
            while [ ! -e pid ]; do sleep 0.05; done; kill -9 $$
            """));
        await run.PromptAsync("hello");
        await run.AllowNextAsync();
        var second = await run.NextAsync<AgentApprovalAsked>();
        Assert.Equal(second.RequestId, (await run.NextAsync<AgentRequestWithdrawn>()).RequestId);
        await run.NextAsync<AgentBlockDropped>();
        Assert.Equal(137, (await run.NextAsync<AgentEnded>()).ExitCode);
        var pid = int.Parse(await File.ReadAllTextAsync(Path.Combine(_folder.FullName, "pid")),
            System.Globalization.CultureInfo.InvariantCulture);
        Assert.Null(ProcessGroup.Identify(pid));
        await run.EndAsync();
    }

    [Fact]
    public async Task A_line_without_end_ends_the_program_and_one_that_ignores_everything_is_killed_on_dispose()
    {
        var endless = new AgentRun(await StartAsync(Ready + "head -c 17000000 /dev/zero | tr '\\0' x; sleep 300"));
        Assert.Contains("longer than", (await endless.NextAsync<AgentEnded>()).Reason, StringComparison.Ordinal);
        await endless.EndAsync();

        var deaf = new AgentRun(await StartAsync(Ready + "trap '' TERM; while :; do sleep 1; done"));
        var identity = deaf.Process.Process!;
        Assert.Equal("closed", (await deaf.EndAsync()).Reason);
        Assert.False(ProcessGroup.IsAnyAlive(identity));
    }

    [Fact]
    public async Task A_reader_that_went_away_does_not_hold_the_end()
    {
        var process = await StartAsync(Ready
            + "read -r line; while :; do echo '{\"method\":\"item/agentMessage/delta\",\"params\":{\"threadId\":\"T\",\"itemId\":\"m\",\"delta\":\"x\"}}'; done");
        await process.PromptAsync(new AgentPrompt(Guid.CreateVersion7(), "hello"), CancellationToken.None);
        await Wait.UntilAsync(() => process.Events.Count >= 500, "the pipe to fill");
        await process.DisposeAsync();
        Assert.False(ProcessGroup.IsAnyAlive(process.Process!));
    }

    private async Task<IAgentProcess> StartAsync(string script)
    {
        var program = Path.Combine(_folder.FullName, $"codex-{Guid.CreateVersion7():N}");
        await File.WriteAllTextAsync(program, $"#!/bin/sh\n{script}\n");
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var environment = new Dictionary<string, string>
        {
            ["PATH"] = "/usr/bin:/bin",
            ["HOME"] = _folder.FullName,
            ["OPENAI_API_KEY"] = Secret,
            [CodexDriver.ProgramVariable] = program,
        };
        return await new CodexDriver(TimeProvider.System, environment).StartAsync(
            new AgentStart { SessionId = Guid.CreateVersion7(), WorkingDirectory = _folder.FullName }, CancellationToken.None);
    }
}

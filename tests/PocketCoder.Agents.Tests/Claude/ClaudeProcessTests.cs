using PocketCoder.Agents;
using PocketCoder.Agents.Claude;
using PocketCoder.Processes;
using PocketCoder.Testing;

namespace PocketCoder.Agents.Tests.Claude;

/// <summary>The driver against programs that only claim to be Claude Code.</summary>
public sealed class ClaudeProcessTests : IDisposable
{
    private const string Secret = "sk-very-secret-value-1";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pocketcoder-test-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task What_it_says_on_its_end_is_told_without_secrets()
    {
        var error = await Assert.ThrowsAsync<AgentException>(
            () => StartAsync("echo >&2; echo \"cannot go on with $ANTHROPIC_API_KEY\" >&2; exit 9"));
        Assert.Equal(AgentError.FailedToStart, error.Error);
        Assert.Equal("Claude Code ended before it was ready: cannot go on with [secret]", error.Message);
    }

    [Fact]
    public async Task Refusing_the_initialisation_is_a_refusal()
    {
        var error = await Assert.ThrowsAsync<AgentException>(() => StartAsync(
            """read -r line; echo '{"type":"control_response","response":{"subtype":"error","request_id":"pocketcoder-1","error":"no hooks here"}}'; read -r line"""));
        Assert.Equal(AgentError.Refused, error.Error);
        Assert.Contains("no hooks here", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_tool_that_should_not_be_there_ends_the_program_before_anything_else()
    {
        var run = await StartReadyAsync(
            """read -r line; echo '{"type":"system","subtype":"init","session_id":"s","tools":["Bash","Monitor"],"mcp_servers":[]}'; sleep 300""");
        await run.PromptAsync("hello");
        var ended = await run.NextAsync<AgentEnded>();
        Assert.Contains("Monitor", ended.Reason, StringComparison.Ordinal);
        Assert.False(ProcessGroup.IsAnyAlive(run.Process.Process!));
        await run.EndAsync();
    }

    [Fact]
    public async Task A_line_without_end_ends_the_program()
    {
        var run = await StartReadyAsync("head -c 17000000 /dev/zero | tr '\\0' x; sleep 300");
        var ended = await run.NextAsync<AgentEnded>();
        Assert.Contains("longer than", ended.Reason, StringComparison.Ordinal);
        await run.EndAsync();
    }

    [Fact]
    public async Task Nonsense_and_empty_lines_are_skipped()
    {
        var run = await StartReadyAsync(
            """echo; echo 'debugger attached'; echo '{"type":"tomorrow"}'; echo '{"type":"system","subtype":"status","status":"requesting"}'; printf '{"type":"system","subtype":"status","status":"compacting"}'""");
        Assert.Equal(ActivityKind.Requesting, (await run.NextAsync<AgentActivity>()).Kind);
        Assert.Equal(ActivityKind.Compacting, (await run.NextAsync<AgentActivity>()).Kind); // a last line without its end
        Assert.Equal(0, (await run.NextAsync<AgentEnded>()).ExitCode);
        await run.EndAsync();
    }

    [Fact]
    public async Task An_end_in_the_middle_of_a_turn_closes_the_open_card_and_the_open_block()
    {
        var run = await StartReadyAsync(
            """
            read -r line
            echo '{"type":"stream_event","event":{"type":"message_start","message":{"id":"m1"}}}'
            echo '{"type":"stream_event","event":{"type":"content_block_start","index":0,"content_block":{"type":"text"}}}'
            echo '{"type":"stream_event","event":{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"half a"}}}'
            echo '{"type":"control_request","request_id":"h","request":{"subtype":"hook_callback","callback_id":"before-tool","input":{"tool_name":"Bash","tool_input":{"command":"ls"},"tool_use_id":"t"}}}'
            read -r line
            echo '{"type":"control_request","request_id":"c","request":{"subtype":"can_use_tool","tool_name":"Bash","input":{"command":"ls"},"tool_use_id":"t"}}'
            sleep 0.2; kill -9 $$
            """);
        await run.PromptAsync("hello");
        Assert.Equal("c", (await run.NextAsync<AgentApprovalAsked>()).RequestId);
        Assert.Equal("c", (await run.NextAsync<AgentRequestWithdrawn>()).RequestId);
        Assert.Equal("m1:0", (await run.NextAsync<AgentBlockDropped>()).BlockId);
        Assert.Equal(137, (await run.NextAsync<AgentEnded>()).ExitCode);
        await run.EndAsync();
    }

    [Fact]
    public async Task A_program_that_ignores_everything_is_killed_on_dispose()
    {
        var run = await StartReadyAsync("trap '' TERM; while :; do sleep 1; done");
        var identity = run.Process.Process!;
        Assert.Equal("closed", (await run.EndAsync()).Reason);
        Assert.False(ProcessGroup.IsAnyAlive(identity));
    }

    [Fact]
    public async Task A_reader_that_went_away_does_not_hold_the_end()
    {
        var process = await StartAsync(
            Ready + "while :; do echo '{\"type\":\"system\",\"subtype\":\"status\",\"status\":\"requesting\"}'; done");
        await Wait.UntilAsync(() => process.Events.Count >= 500, "the pipe to fill");
        await process.DisposeAsync();
        Assert.False(ProcessGroup.IsAnyAlive(process.Process!));
    }

    private const string Ready =
        """read -r line; echo '{"type":"control_response","response":{"subtype":"success","request_id":"pocketcoder-1","response":{}}}'; """;

    private async Task<AgentRun> StartReadyAsync(string script) => new(await StartAsync(Ready + script));

    private async Task<IAgentProcess> StartAsync(string script)
    {
        var program = Path.Combine(_folder.FullName, $"claude-{Guid.CreateVersion7():N}");
        await File.WriteAllTextAsync(program, $"#!/bin/sh\n{script}\n");
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var environment = new Dictionary<string, string>
        {
            ["PATH"] = "/usr/bin:/bin",
            ["HOME"] = _folder.FullName,
            ["ANTHROPIC_API_KEY"] = Secret,
            [ClaudeDriver.ProgramVariable] = program,
        };
        var start = new AgentStart { SessionId = Guid.CreateVersion7(), WorkingDirectory = _folder.FullName };
        return await new ClaudeDriver(TimeProvider.System, environment).StartAsync(start, CancellationToken.None);
    }
}

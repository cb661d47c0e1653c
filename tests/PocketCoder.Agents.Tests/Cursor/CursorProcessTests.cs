using PocketCoder.Agents;
using PocketCoder.Agents.Cursor;
using PocketCoder.Processes;
using PocketCoder.Testing;

namespace PocketCoder.Agents.Tests.Cursor;

/// <summary>The driver against programs that only claim to be Cursor: the real one can't be had here.</summary>
public sealed class CursorProcessTests : IDisposable
{
    private const string Init = """echo '{"type":"system","subtype":"init","session_id":"chat-1","model":"Auto"}'""" + "\n";

    private const string Result = """echo '{"type":"result","subtype":"success","is_error":false,"result":"ok","session_id":"chat-1"}'"""
        + "\n";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pocketcoder-test-");

    private string Project => Path.Combine(_folder.FullName, "project");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Each_prompt_is_one_program_that_goes_on_with_the_same_conversation()
    {
        await using var run = new AgentRun(await StartAsync($"printf '%s\\n' \"$@\" >> seen\ncat >> seen\n{Init}{Result}"));
        Assert.Equal(TurnOutcome.Completed, (await run.TurnAsync("--force and\nthe rest")).Outcome);
        await run.Process.SetModeAsync("plan", CancellationToken.None);
        await run.Process.SetModelAsync("m-1", CancellationToken.None);
        Assert.Equal(TurnOutcome.Completed, (await run.TurnAsync("second")).Outcome);
        Assert.Equal(
            $"""
            -p
            --output-format
            stream-json
            --stream-partial-output
            --trust
            --workspace
            {Project}
            --mode
            ask
            --
            --force and
            the rest
            -p
            --output-format
            stream-json
            --stream-partial-output
            --trust
            --workspace
            {Project}
            --mode
            plan
            --model
            m-1
            --resume
            chat-1
            --
            second

            """,
            await File.ReadAllTextAsync(Path.Combine(Project, "seen")));
        Assert.Equal(["ask", "plan", "plan"], run.Of<AgentReady>().Select(r => r.Mode).Take(3));
    }

    [Fact]
    public async Task A_stop_ends_the_program_with_what_it_started()
    {
        await using var run = new AgentRun(await StartAsync($"{Init}sleep 300 & echo $! > child; wait"));
        await run.PromptAsync("go");
        var child = Path.Combine(Project, "child");
        await Wait.UntilAsync(() => File.Exists(child) && File.ReadAllText(child).Contains('\n', StringComparison.Ordinal), "the child");
        var started = ProcessGroup.Identify(
            int.Parse(await File.ReadAllTextAsync(child), System.Globalization.CultureInfo.InvariantCulture));
        await run.Process.InterruptAsync(CancellationToken.None);
        Assert.Equal(TurnOutcome.Cancelled, (await run.NextAsync<AgentTurnEnded>()).Outcome);
        await Wait.UntilAsync(() => started is null || !ProcessGroup.IsAlive(started), "the child's end");
    }

    [Fact]
    public async Task A_tool_that_changes_something_ends_the_program_and_the_session_goes_on()
    {
        await using var run = new AgentRun(await StartAsync(
            $$"""
            {{Init}}
            [ -e again ] && { {{Result}} exit 0; }
            touch again
            echo '{"type":"tool_call","subtype":"started","call_id":"1","tool_call":{"shellToolCall":{"args":{"command":"touch x"} } } }'
            sleep 300
            """));
        var ended = await run.TurnAsync("go");
        Assert.Equal(TurnOutcome.Failed, ended.Outcome);
        Assert.Contains("began shell", ended.Error, StringComparison.Ordinal);
        Assert.Equal(TurnOutcome.Completed, (await run.TurnAsync("again")).Outcome);
    }

    [Fact]
    public async Task A_program_that_hangs_after_its_last_word_does_not_hold_up_the_next()
    {
        var time = new ManualTime();
        await using var run = new AgentRun(await StartAsync($"{Init}{Result}[ -e again ] || {{ touch again; sleep 300; }}", time));
        Assert.Equal(TurnOutcome.Completed, (await run.TurnAsync("go")).Outcome);
        var next = run.PromptAsync("again");
        Assert.False(next.IsCompleted);
        await MovedAsync(DoneAsync(next), "the second program");
        Assert.Equal(TurnOutcome.Completed, (await MovedAsync(run.NextAsync<AgentTurnEnded>(), "its last word")).Outcome);
        await MovedAsync(run.EndAsync(), "the end"); // looking whether all of it is gone takes time, too

        static async Task<bool> DoneAsync(Task task)
        {
            await task;
            return true;
        }

        async Task<T> MovedAsync<T>(Task<T> task, string what)
        {
            await Wait.UntilAsync(
                () =>
                {
                    time.Advance(TimeSpan.FromSeconds(1));
                    return task.IsCompleted;
                },
                what);
            return await task;
        }
    }

    [Fact]
    public async Task Its_last_words_are_the_reason_without_secrets()
    {
        await using var run = new AgentRun(await StartAsync("echo \"Error: not logged in with $CURSOR_API_KEY\" >&2; exit 1"));
        var ended = await run.TurnAsync("go");
        Assert.Equal((TurnOutcome.Failed, "Cursor ended (code 1): Error: not logged in with [secret]"), (ended.Outcome, ended.Error));
    }

    [Theory]
    [InlineData(".cursor/hooks.json")]
    [InlineData(".cursor/mcp.json")]
    public async Task It_is_not_started_where_the_repository_would_make_it_run_programs(string file)
    {
        await using var run = new AgentRun(await StartAsync($"touch ran\n{Init}{Result}"));
        Directory.CreateDirectory(Path.Combine(Project, ".cursor"));
        await File.WriteAllTextAsync(Path.Combine(Project, file), "{}");
        var error = await Assert.ThrowsAsync<AgentException>(() => run.PromptAsync("go"));
        Assert.Equal(AgentError.Refused, error.Error);
        Assert.Contains(file, error.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(Project, "ran")));

        File.Delete(Path.Combine(Project, file));
        Assert.Equal(TurnOutcome.Completed, (await run.TurnAsync("go")).Outcome);
    }

    [Fact]
    public async Task What_would_change_things_or_pass_as_an_option_is_refused_before_anything_runs()
    {
        foreach (var start in new Func<AgentStart, AgentStart>[]
            { s => s with { Mode = "agent" }, s => s with { Model = "--force" }, s => s with { ResumeId = "--force" } })
        {
            await Assert.ThrowsAsync<AgentException>(() => StartAsync("touch ran", change: start));
        }

        await using var run = new AgentRun(await StartAsync($"touch ran\n{Init}{Result}"));
        await Assert.ThrowsAsync<AgentException>(() => run.PromptAsync(new string('x', CursorArguments.PromptLimit + 1)));
        Assert.False(File.Exists(Path.Combine(Project, "ran")));
        Assert.Equal(TurnOutcome.Completed, (await run.TurnAsync("go")).Outcome);
    }

    [Fact]
    public async Task Closed_in_the_middle_of_a_turn_it_ends_with_its_program()
    {
        var run = new AgentRun(await StartAsync($"{Init}sleep 300"));
        await run.PromptAsync("go");
        await run.NextAsync<AgentReady>();
        var program = run.Process.Process!;
        await run.EndAsync();
        await Wait.UntilAsync(() => !ProcessGroup.IsAlive(program), "the program's end");
    }

    private async Task<IAgentProcess> StartAsync(string script, TimeProvider? time = null, Func<AgentStart, AgentStart>? change = null)
    {
        Directory.CreateDirectory(Project);
        var program = Path.Combine(_folder.FullName, "cursor-agent");
        await File.WriteAllTextAsync(program, $"#!/bin/bash\n{script}\n");
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var driver = new CursorDriver(time ?? TimeProvider.System, new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["PATH"] = "/usr/bin:/bin",
            [CursorDriver.ProgramVariable] = program,
            ["CURSOR_API_KEY"] = "key-that-nobody-may-see",
        });
        var start = new AgentStart { SessionId = Guid.CreateVersion7(), WorkingDirectory = Project };
        return await driver.StartAsync(change?.Invoke(start) ?? start, CancellationToken.None);
    }
}

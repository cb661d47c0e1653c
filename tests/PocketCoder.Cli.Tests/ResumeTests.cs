using System.Globalization;
using PocketCoder.Testing;
using PocketCoder.Testing.Claude;
using PocketCoder.Testing.ScriptedModel;

namespace PocketCoder.Cli.Tests;

/// <summary>
/// <c>resume</c> with the real Claude Code behind the real program: the conversation changes hands and never has two of them.
/// </summary>
[Trait("Category", "Slow")]
public sealed class ResumeTests
{
    [Fact]
    public async Task The_conversation_goes_to_a_terminal_while_prompts_wait_and_comes_back_with_its_words_however_that_ends()
    {
        await using var model = await ScriptedModelServer.StartAsync();
        using var claude = new ClaudeHome(await RealClaude.ProgramAsync(), model.Address);
        await using var home = new CliHome();
        foreach (var (name, value) in claude.Environment)
        {
            home.Environment[name] = value;
        }

        // What a person gets by "claude" in a terminal: says that it runs, waits, then says one thing by the real program.
        var bin = Directory.CreateDirectory(Path.Combine(home.Folder, "bin")).FullName;
        var program = Path.Combine(bin, "claude");
        await File.WriteAllTextAsync(program, $"""
            #!/bin/sh
            echo "$$ $PWD $*" > '{home.Folder}/began.new'; mv '{home.Folder}/began.new' '{home.Folder}/began'
            while [ ! -e '{home.Folder}/go' ]; do sleep 0.05; done
            rm '{home.Folder}/go'
            exec '{claude.Environment["POCKETCODER_CLAUDE"]}' "$@" -p "said in the terminal"
            """);
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        home.Environment["PATH"] = $"{bin}:{claude.Environment["PATH"]}";

        await home.AskAsync("start", "--listen", home.Listen, "--sandbox", "none");
        await home.AskAsync("add", claude.Project, "--name", "api");
        (await home.RunAsync("run", "--project", "api", "--agent", "claude", "said on the phone")).Succeeded();
        var session = (await home.AskAsync("sessions"))[0].GetProperty("agentSessionId").GetString()!;

        // The agent's process is idle, and nobody can be asked here.
        Assert.Contains("--end", (await home.RunAsync("resume", session)).Ended(1).Error, StringComparison.Ordinal);
        var way = await home.AskAsync("resume", session, "--end");
        Assert.Equal(("claude", $"--resume {session}", claude.Project), (way.GetProperty("program").GetString(), string.Join(
            ' ', way.GetProperty("arguments").EnumerateArray().Select(a => a.GetString())), way.GetProperty("directory").GetString()));

        string waiting;
        await using (var terminal = home.Begin("resume", session[..13], "--exec"))
        {
            Assert.EndsWith($" {claude.Project} --resume {session}\n",
                await Wait.ForLinesAsync(Path.Combine(home.Folder, "began"), "the agent's program runs in the terminal"),
                StringComparison.Ordinal);
            Assert.Contains("in a terminal", (await home.RunAsync("sessions")).Succeeded().Out, StringComparison.Ordinal);
            Assert.Contains("already open in a terminal", (await home.RunAsync("resume", session, "--exec")).Ended(1).Error,
                StringComparison.Ordinal);
            waiting = (await home.AskAsync("run", "--session", session, "--detach", "said on the phone meanwhile")).GetProperty("turnId")
                .GetString()!;
            Assert.Equal((true, 1), await StateAsync(home, session));
            await File.WriteAllTextAsync(Path.Combine(home.Folder, "go"), "");
            Assert.Contains("said in the terminal", (await terminal.EndAsync(Wait.Limit)).Succeeded().Out,
                StringComparison.Ordinal);
        }

        await Wait.UntilAsync(async () => await StateAsync(home, session) == (false, 0), "the prompt that waited goes on");
        await Wait.UntilAsync(() => model.Requests.Any(r => r.Prompt == "said on the phone meanwhile"), "it is asked");
        var asked = model.Requests.Last(r => r.Prompt == "said on the phone meanwhile");
        Assert.Contains("said on the phone\"", asked.Body, StringComparison.Ordinal);
        Assert.Contains("said in the terminal", asked.Body, StringComparison.Ordinal);
        Assert.NotEmpty(waiting);

        // The CLI is killed and the agent's program lives on: it still has the conversation, until that is killed too.
        await Wait.UntilAsync(async () => (await home.AskAsync("sessions"))[0].GetProperty("state").GetString() == "idle",
            "the turn is over");
        (await home.RunAsync("resume", session, "--end")).Succeeded();
        File.Delete(Path.Combine(home.Folder, "began"));
        await using (var terminal = home.Begin("resume", session, "--exec", "--end"))
        {
            var pid = int.Parse((await Wait.ForLinesAsync(Path.Combine(home.Folder, "began"), "it runs again")).Split(' ')[0],
                CultureInfo.InvariantCulture);
            await Wait.UntilAsync(async () => (await HoldersAsync(home, session)).EndsWith(
                $"(process {terminal.Pid}, {pid}).", StringComparison.Ordinal), "the daemon knows both, the CLI and what it started");
            await terminal.SignalAsync("KILL");
            await Wait.UntilAsync(() => terminal.HasExited, "the CLI is gone"); // not its outputs: the agent's program has them too
            await Wait.UntilAsync(async () => (await HoldersAsync(home, session)).EndsWith($"(process {pid}).", StringComparison.Ordinal),
                "the daemon sees that the CLI is gone");
            Assert.Equal((true, 0), await StateAsync(home, session));
            await RunningProgram.SignalAsync(pid, "KILL");
        }

        await Wait.UntilAsync(async () => await StateAsync(home, session) == (false, 0), "the machine sees by itself that they are gone");

        // And one that a terminal began.
        await using (var byHand = RunningProgram.Start(
            claude.Environment["POCKETCODER_CLAUDE"], ["-p", "begun by hand"], home.Environment, claude.Project))
        {
            (await byHand.EndAsync(Wait.Limit)).Succeeded();
        }

        var kept = (await home.AskAsync("conversations", "--project", "api")).GetProperty("conversations").EnumerateArray().ToList();
        Assert.Equal(session, kept.Single(c => c.GetProperty("agentSessionId").GetString() is not null).GetProperty("conversationId")
            .GetString());
        var begun = kept.Single(c => c.GetProperty("title").GetString() == "begun by hand").GetProperty("conversationId").GetString()!;
        Assert.Contains("begun by hand", (await home.RunAsync("conversations", "--project", "api", "--agent", "claude")).Succeeded().Out,
            StringComparison.Ordinal);
        (await home.RunAsync("run", "--project", "api", "--conversation", begun[..13], "taken over")).Succeeded();
        Assert.Contains("begun by hand", model.Requests.Last(r => r.Prompt == "taken over").Body, StringComparison.Ordinal);
        Assert.Contains("--session", (await home.RunAsync("run", "--project", "api", "--conversation", begun, "twice")).Ended(1).Error,
            StringComparison.Ordinal);
    }

    /// <summary>The processes that have the conversation, as the refusal names them.</summary>
    private static async Task<string> HoldersAsync(CliHome home, string session) => (await home.RunAsync("resume", session)).Error.Trim();

    private static async Task<(bool InTerminal, int Queued)> StateAsync(CliHome home, string session)
    {
        var info = (await home.AskAsync("sessions")).EnumerateArray().Single(s => s.GetProperty("agentSessionId").GetString() == session);
        return (info.GetProperty("inTerminal").GetBoolean(), info.GetProperty("queued").GetInt32());
    }
}

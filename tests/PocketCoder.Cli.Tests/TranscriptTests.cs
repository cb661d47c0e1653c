using PocketCoder.Agents.Claude;
using PocketCoder.Agents.Codex;
using PocketCoder.Cli.Commands;
using PocketCoder.Cli.Running;
using PocketCoder.Protocol;

namespace PocketCoder.Cli.Tests;

/// <summary>What <c>run</c> writes, and what typed lines mean.</summary>
public sealed class TranscriptTests
{
    private static readonly DateTimeOffset s_at = DateTimeOffset.UnixEpoch;

    [Fact]
    public void However_text_comes_in_pieces_it_is_shown_once_and_whole()
    {
        const int Seed = 20261121;
        var random = new Random(Seed);
        for (var round = 0; round < 500; round++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(1, 60))
                .Select(_ => random.Next(8) switch { 0 => "\n", 1 => "\U0001F600", 2 => "\u202e", 3 => "\t", _ => "word " }));
            var output = new StringWriter { NewLine = "\n" };
            var transcript = new Transcript(output, color: false);
            for (var at = 0; at < text.Length;)
            {
                // As a daemon tells it to one who came late: from anywhere before, up to anywhere.
                var from = random.Next(0, at + 1);
                var to = random.Next(at, text.Length) + 1;
                transcript.Add(new AgentDeltaPayload(null, "a", DeltaKind.Text, from, text[from..to]));
                at = random.Next(4) == 0 ? text.Length : to;
            }

            transcript.Add(new TextEvent("a", text) { At = s_at });

            var whole = string.Join('\n', text.Split('\n').Select(l => l.Replace("\u202e", "\\u{202e}", StringComparison.Ordinal)));
            Assert.True((whole.EndsWith('\n') ? whole : whole + "\n") == output.ToString(),
                $"seed {Seed}, round {round}: {whole}\n---\n{output}");
        }
    }

    [Theory]
    [InlineData(ApprovalState.Denied, DecisionVerdict.Deny, null, "denied by phone")]
    [InlineData(ApprovalState.Expired, DecisionVerdict.Deny, null, "expired: no decision in time")]
    [InlineData(ApprovalState.Withdrawn, DecisionVerdict.Allow, "the file changed after it was shown",
        "not run: the file changed after it was shown")]
    [InlineData(ApprovalState.Expired, DecisionVerdict.Allow, "its time was over before it began",
        "not run: its time was over before it began")]
    public void A_refused_call_is_not_called_done_whatever_the_agent_says(
        ApprovalState state, DecisionVerdict verdict, string? notDone, string words)
    {
        var output = new StringWriter { NewLine = "\n" };
        var transcript = new Transcript(output, color: false);
        var decision = new DecisionInfo(Guid.CreateVersion7(), verdict, DecisionScope.Once, null, null, "phone", s_at);
        var approval = new ApprovalInfo(
            Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7(), "gemini", "t1", ApprovalKind.Tool,
            state, new string('0', 64), new ToolSubject("edit", "{}"), null, null,
            SandboxKind.None, s_at, s_at, decision, null, NotDone: notDone);
        transcript.Add(new ToolUseEvent("t1", "edit", ToolCategory.Edit, "a.txt", "{}", InputTruncated: false) { At = s_at });
        transcript.Add(new ApprovalEvent(approval) { At = s_at });
        transcript.Add(new ToolResultEvent("t1", Failed: false, "", 0, OutputTruncated: false, null, null, Interrupted: false)
        { At = s_at });
        Assert.Equal($"> edit: a.txt\n  {words}\n  not run\n", output.ToString());
    }

    [Fact]
    public void Two_that_write_at_once_do_not_mix()
    {
        var output = new StringWriter { NewLine = "\n" };
        var transcript = new Transcript(output, color: false);
        transcript.Add(new AgentDeltaPayload(null, "a", DeltaKind.Text, 0, "one "));
        transcript.Add(new AgentDeltaPayload(null, "b", DeltaKind.Text, 0, "two "));
        transcript.Add(new AgentDeltaPayload(null, "a", DeltaKind.Text, 4, "done"));
        transcript.Add(new TextEvent("a", "one done") { At = s_at });
        transcript.Add(new TextEvent("b", "two done") { At = s_at });
        Assert.Equal("one done\ntwo done\n", output.ToString());
    }

    [Fact]
    public void Whatever_arrives_in_the_middle_of_a_text_is_shown_once_and_after_it()
    {
        const int Seed = 20261122;
        var random = new Random(Seed);
        for (var round = 0; round < 500; round++)
        {
            var output = new StringWriter { NewLine = "\n" };
            var transcript = new Transcript(output, color: false);
            var events = 0;
            var others = random.Next(4) == 0 ? 65 : random.Next(0, 60); // with the 65th the text is broken off
            var pieces = Enumerable.Range(0, 12).Select(i => $"word{i} ").ToList();
            var arrivals = Enumerable.Range(0, others).Select(_ => random.Next(pieces.Count)).ToList();
            var offset = 0;
            for (var i = 0; i < pieces.Count; i++)
            {
                transcript.Add(new AgentDeltaPayload(null, "a", DeltaKind.Text, offset, pieces[i]));
                offset += pieces[i].Length;
                for (var n = arrivals.Count(a => a == i); n > 0; n--)
                {
                    transcript.Add(new NoticeEvent(NoticeLevel.Info, $"event{events++}.") { At = s_at });
                }
            }

            var text = string.Concat(pieces);
            if (random.Next(3) == 0)
            {
                transcript.Pause(); // the turn ended in mid-text
            }
            else
            {
                transcript.Add(new TextEvent("a", text) { At = s_at });
            }

            var shown = output.ToString();
            var context = $"seed {Seed}, round {round}: {shown}";
            Assert.True(Enumerable.Range(0, events).All(n => shown.Split($"! event{n}.\n").Length == 2), context);
            Assert.True(events > 64 || shown.StartsWith(text + "\n", StringComparison.Ordinal), context);
            Assert.True(string.Concat(shown.Split('\n').Where(l => !l.StartsWith("! ", StringComparison.Ordinal))) == text, context);
        }
    }

    [Fact]
    public void A_sheet_hides_and_shortens_nothing()
    {
        var command = string.Join('\n', Enumerable.Range(0, 2000).Select(i => $"echo {i}")) + "\n\u202erm\r\e[2Jx";
        var output = new StringWriter { NewLine = "\n" };
        ApprovalSheet.Show(output, Asked(new CommandSubject(command, "/pro\u200bject", "bash", "{}", Stdin: "in\0put"), reach: null));
        var shown = output.ToString();
        Assert.All(Enumerable.Range(0, 2000), i => Assert.Contains($"  echo {i}\n", shown, StringComparison.Ordinal));
        Assert.Contains("\\u{202e}rm\\u{d}\\u{1b}[2Jx", shown, StringComparison.Ordinal);
        Assert.Contains("/pro\\u{200b}ject", shown, StringComparison.Ordinal);
        Assert.Contains("in\\u{0}put", shown, StringComparison.Ordinal);
        Assert.Contains("WITHOUT a sandbox", shown, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("y", DecisionVerdict.Allow, DecisionScope.Once, null)]
    [InlineData(" Y ", DecisionVerdict.Allow, DecisionScope.Once, null)]
    [InlineData("t", DecisionVerdict.Allow, DecisionScope.Turn, null)]
    [InlineData("s", DecisionVerdict.Allow, DecisionScope.Session, null)]
    [InlineData("n", DecisionVerdict.Deny, DecisionScope.Once, null)]
    [InlineData("n because", DecisionVerdict.Deny, DecisionScope.Once, "because")]
    public void A_letter_decides(string line, DecisionVerdict verdict, DecisionScope scope, string? reason)
        => Assert.Equal((verdict, scope, reason), ApprovalSheet.Parse(Asked(new ToolSubject("x", "{}"), "it again"), line)!.Value);

    [Theory]
    [InlineData("")]
    [InlineData("yes please")]
    [InlineData("yy")]
    [InlineData("no")]
    [InlineData("p")]
    [InlineData("ls")]
    public void Anything_else_decides_nothing(string line)
        => Assert.Null(ApprovalSheet.Parse(Asked(new ToolSubject("x", "{}"), "it again"), line));

    [Theory]
    [InlineData("t")]
    [InlineData("s")]
    public void Without_reach_there_is_only_once(string line)
        => Assert.Null(ApprovalSheet.Parse(Asked(new ToolSubject("x", "{}"), null), line));

    [Fact]
    public void That_two_people_must_allow_it_is_said_and_who_did()
    {
        var asked = Asked(new ToolSubject("x", "{}"), reach: null) with { TwoPeople = true };
        Assert.Contains("Two people must allow this; one denies it.\n", Shown(asked), StringComparison.Ordinal);
        var agreed = asked with { Agreed = new AgreementInfo(Guid.Empty, "ada", "d", "a\u202etablet", s_at) };
        Assert.Contains(
            "Two people must allow this. ada did (a\\u{202e}tablet); somebody else must, too. One denies it.\n", Shown(agreed),
            StringComparison.Ordinal);

        static string Shown(ApprovalInfo approval)
        {
            var output = new StringWriter { NewLine = "\n" };
            ApprovalSheet.Show(output, approval);
            return output.ToString();
        }
    }

    [Fact]
    public void Agents_say_how_to_go_on_in_a_terminal_and_only_with_an_id_of_theirs()
    {
        var id = Guid.CreateVersion7().ToString();
        var claude = new ClaudeDriver(TimeProvider.System);
        Assert.Equal(["--resume", id], claude.InTerminal(id, null)!.Arguments);
        Assert.Empty(claude.InTerminal(id, null)!.Environment);
        Assert.Equal("/state", claude.InTerminal(id, "/state")!.Environment["CLAUDE_CONFIG_DIR"]);
        Assert.Null(claude.InTerminal("--dangerously", null));
        var codex = new CodexDriver(TimeProvider.System);
        Assert.Equal(["resume", id], codex.InTerminal(id, null)!.Arguments);
        Assert.Null(codex.InTerminal("--last", null));
        Assert.Null(codex.InTerminal(id, "/state"));
        Assert.Equal("'it'\\''s $HOME'", SessionCommands.Quoted("it's $HOME"));
        Assert.Equal("/a/b-c", SessionCommands.Quoted("/a/b-c"));
    }

    private static ApprovalInfo Asked(ApprovalSubject subject, string? reach) => new(
        Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7(), "stub", null, ApprovalKind.Tool,
        ApprovalState.Pending, "00", subject, null, reach,
        SandboxKind.None, s_at, s_at, null, null);
}

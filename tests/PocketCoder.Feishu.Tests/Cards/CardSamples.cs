using PocketCoder.Feishu.Cards;

namespace PocketCoder.Feishu.Tests.Cards;

/// <summary>One of each card in each of its states, with the given text wherever untrusted text may stand.</summary>
internal static class CardSamples
{
    public static readonly Uri App = new("https://pocketcoder.example/app");

    public static CardContext Context(CardLanguage language = CardLanguage.English, bool withApp = true)
        => new(language, "n0nce", withApp ? App : null);

    /// <param name="text">Gives a text, by the sample's own.</param>
    /// <param name="many">How many projects, folders and options.</param>
    public static IEnumerable<(string Name, CardView View)> All(Func<string, string> text, int many = 2)
    {
        var project = new ProjectLine("prj-1", text("demo"), text("codex"), CardState.Idle);
        var running = project with { State = CardState.Running, Group = true };
        List<ProjectLine> projects = [.. Enumerable.Range(1, many).Select(i => running with { Id = $"prj-{i}", Hidden = i == 2, Archived = i == 3 })];
        List<CardOption> options = [.. Enumerable.Range(1, many).Select(i => new CardOption($"v{i}", text($"Option {i}")))];
        List<CardOption> folders = [.. Enumerable.Range(1, many).Select(i => new CardOption(text($"/srv/demo/{i}"), text($"folder {i}")))];
        var usage = new CardUsage(1234, 1000, 56, 7_800_000);
        yield return ("home", new HomeView(projects, many));
        yield return ("home_empty", new HomeView([]));
        yield return ("new_project", new NewProjectView(options, "v2", text("demo"), text("The name is taken.")));
        yield return ("manage", new ManageView(projects));
        yield return ("manage_delete", new ManageView(projects, "prj-1"));
        yield return ("project", new ProjectView(project, text("https://git.example/demo"), text("/srv/demo")));
        yield return ("workspace", new WorkspaceView(project, text("/srv/demo"), text("gpt"), null, null, 0, Locked: false));
        yield return ("workspace_locked", new WorkspaceView(running, text("/srv/demo"), null, "ses-1", "trn-1", 3, Locked: true));
        yield return ("folder_browse", new FolderView(project, text("/srv"), text("/srv/demo"), folders, text("Not there.")));
        yield return ("folder_type", new FolderView(project, text("/srv"), null, []));
        yield return ("folders_default", new FolderListView(project, FolderList.Default, [text("/srv/demo")]));
        yield return ("folders_presets", new FolderListView(project, FolderList.Presets, [.. folders.Select(f => f.Value)], text("Not there.")));
        yield return ("folders_recent", new FolderListView(project, FolderList.Recent, []));
        yield return ("agent", new AgentView(
            project, options, "v1", options, "v2",
            [new AgentSetting("effort", text("Effort"), "v1", options), new AgentSetting("sandbox", text("Sandbox"), text("strict"))], text("No.")));
        yield return ("session", new SessionView(project, text("ses-1"), options));
        yield return ("session_typed", new SessionView(project, null, [], Typed: true, text("No such session.")));
        yield return ("composer", new ComposerView(project, text("/srv/demo"), text("Fix it"), text("Empty.")));
        foreach (var state in Enum.GetValues<CardState>())
        {
            yield return ($"turn_{state.ToString().ToLowerInvariant()}", new TurnView(
                "ses-1", "trn-1", state, text("codex"), text("gpt"), text("/srv/demo"), text("Looking at *the* files."), Hint: text("reading"),
                Reason: text("It asks."), Queued: state == CardState.Queued ? new QueuedPrompt("que-1", 2, text("trn-0"), true) : null,
                Usage: usage, SessionUsage: usage, Steerable: true, Continuable: true,
                Approvals: state == CardState.Waiting ? ["apr-1", "apr-2", "apr-3", "apr-4"] : null));
        }

        yield return ("turn_paged", new TurnView(
            "ses-1", "trn-1", CardState.Complete, text("codex"), null, text("/srv/demo"),
            string.Concat(Enumerable.Range(1, 300).Select(i => $"{text("line")} {i} of the output\n")), Page: 1));
        foreach (var outcome in Enum.GetValues<ApprovalOutcome>())
        {
            yield return ($"approval_{outcome.ToString().ToLowerInvariant()}", Approval(text) with
            {
                Outcome = outcome,
                DecidedBy = outcome is ApprovalOutcome.Allowed or ApprovalOutcome.Rejected ? text("Ann") : null,
            });
        }

        foreach (var form in Enum.GetValues<ApprovalForm>())
        {
            yield return ($"approval_{form.ToString().ToLowerInvariant()}", Approval(text) with { Form = form });
        }

        yield return ("approval_destructive", Approval(text) with { Tier = ApprovalTier.Destructive });
        yield return ("help", new HelpView());
        yield return ("error", new ErrorView(text("It did not work."), text("log-1")));
        yield return ("status", new StatusView(options));
        yield return ("usage", new UsageView([.. options.Select(o => new UsageRow(o.Label, usage))]));
    }

    public static ApprovalView Approval(Func<string, string> text)
        => new(
            "apr-1", text("command"), ApprovalTier.Write, ApprovalForm.Command, text("npm install left-pad"), text("bubblewrap, no network"),
            "0123456789abcdef0123456789abcdef", new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.FromHours(1)),
            [text("Writes node_modules"), text("Runs scripts of packages")]);
}

/// <summary>Texts that try to become markup, to hide, or to be too much.</summary>
internal sealed class Hostile(int seed)
{
    private static readonly string[] s_pieces =
    [
        "<at id=all></at>", "<at user_id=\"ou_1\">x</at>", "< at id=all>", "<a href='https://evil.example'>ok</a>", "[ok](https://evil.example)",
        "![i](img_v2_1)", "**b**", "*i*", "~~s~~", "`c`", "```", "```\n", "\n```js\n", "```` ", "# h", "\n# h\n", "\n- x\n", "\n1. x\n", "\n---\n", "\n> q\n",
        "|a|b|\n|-|-|\n|c|d|\n", "\n|x|\n|---|\n|y|\n", "| <at id=all> |", "<font color='red'>", "<text_tag>", "</font>", "&lt;", "&#60;", "&amp;", "<br>",
        "\u202e", "\u2066", "\u200b", "\u200d", "\ufeff", "\0", "\u001b[31m", "\r", "\r\n", "\u2028", "\u00ad", "\ud83d", "\ude00", "\udb40\udc41",
        "😀", "👩‍💻", "🏳️‍🌈", "1️⃣", "👍🏽", "e\u0301\u0301\u0301", "中文字符", "عربى", "    code", "\tcode", ":OK:", "$x$", "\\", "\"", "'", "{{x}}", "{0}", "}",
        "<!--", "<script>", "https://evil.example", "rm -rf /", " ", "\n", "abc", "\n\n\n", "\ue000", "\u3164",
    ];

    private readonly Random _random = new(seed);

    public string Text(int most = 60)
    {
        var pieces = Enumerable.Range(0, _random.Next(0, most)).Select(_ => s_pieces[_random.Next(s_pieces.Length)]);
        var text = string.Concat(pieces);
        return _random.Next(8) == 0 ? string.Concat(Enumerable.Repeat(text, 60)) : text;
    }
}

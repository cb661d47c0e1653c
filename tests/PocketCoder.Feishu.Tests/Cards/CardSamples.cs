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
    public static IEnumerable<(string Name, CardView View)> All(Func<string, string> text, int many = 3)
    {
        const string Turn = "019ac0d2-5b1f-7c3a-9d4e-2f6a7b8c9d0e";
        const string Folder = "/srv/web-shop";
        var project = new ProjectLine("prj-1", text("web-shop"), text("codex"), CardState.Idle, Group: true);
        var running = project with { State = CardState.Running };
        CardState[] states = [CardState.Running, CardState.Idle, CardState.Complete];
        List<ProjectLine> projects = [.. Names("web-shop", "billing", "docs-site").Select((name, i) => project with
        {
            Id = $"prj-{i + 1}", Name = text(name), State = states[i % 3], Group = i != 1, Hidden = i == 1, Archived = i == 2,
        })];
        var folders = Options(text, many, n => $"{Folder}/{n}", "docs", "src", "tests");
        var usage = new CardUsage(48_200, 41_000, 1_834, 960);
        yield return ("home", new HomeView([.. projects.Select(p => p with { Hidden = false, Archived = false })], many));
        yield return ("home_empty", new HomeView([]));
        var agents = Agents();
        yield return ("new_project", new NewProjectView(agents, "v2", Folders: folders, Folder: folders.LastOrDefault()?.Value));
        yield return ("new_project_error", new NewProjectView(agents, "v2", text("web-shop"), text("The name is taken.")));
        yield return ("manage", new ManageView(projects));
        yield return ("manage_delete", new ManageView(projects, "prj-2"));
        yield return ("project", new ProjectView(project with { Group = false }, text(Folder)));
        yield return ("project-archived", new ProjectView(project with { Archived = true }, text(Folder)));
        yield return ("workspace", new WorkspaceView(project, text(Folder), text("gpt-5"), "ses-1", null, 0, Locked: false));
        yield return ("workspace_locked", new WorkspaceView(running, text(Folder), null, "ses-1", Turn, 3, Locked: true));
        yield return ("folder_browse", new FolderView(project, text("/srv"), text(Folder), folders));
        yield return ("folder_type", new FolderView(project, text("/srv"), null, [], text("There is no such folder.")));
        yield return ("folders_default", new FolderListView(project, FolderList.Default, [text(Folder)]));
        yield return ("folders_presets", new FolderListView(
            project, FolderList.Presets, [.. folders.Select(f => f.Value)], text("There is no such folder.")));
        yield return ("folders_recent", new FolderListView(project, FolderList.Recent, []));
        yield return ("agent", new AgentView(
            project, agents, "v1", Options(text, many, _ => null, "gpt-5", "gpt-5-mini"), "v1",
            [
                new AgentSetting("effort", text("Effort"), "v2", Options(text, many, _ => null, "low", "medium", "high")),
                new AgentSetting("sandbox", text("Sandbox"), text("strict")),
            ]));
        yield return ("session", new SessionView(
            project, "v1", Options(text, many, _ => null, "Fix the dates of orders", "Update the packages", "Write the guide")));
        yield return ("session_typed", new SessionView(project, null, [], Typed: true, text("There is no such session.")));
        yield return ("composer", new ComposerView(project, text(Folder)));
        yield return ("composer_error", new ComposerView(project, text(Folder), text("Fix it"), text("The folder is gone.")));
        foreach (var state in Enum.GetValues<CardState>())
        {
            var (output, reason) = Said(state);
            yield return ($"turn_{state.ToString().ToLowerInvariant()}", new TurnView(
                "ses-1", Turn, state, text("codex"), text("gpt-5"), text(Folder), text(output), Hint: text("editing"),
                Reason: reason is null ? null : text(reason),
                Queued: state == CardState.Queued ? new QueuedPrompt("que-1", 2, text("019ac0d2-1111-7c3a-9d4e-0a1b2c3d4e5f"), true) : null,
                Usage: state is CardState.Queued or CardState.Created ? null : usage,
                SessionUsage: state is CardState.Queued or CardState.Created ? null : usage with { Input = 1_310_000, Output = 22_400 },
                Steerable: true, Continuable: true, Approvals: state == CardState.Waiting ? ["apr-1", "apr-2", "apr-3", "apr-4"] : null));
        }

        yield return ("turn_paged", new TurnView(
            "ses-1", Turn, CardState.Complete, text("codex"), null, text(Folder),
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
            yield return ($"approval_{form.ToString().ToLowerInvariant()}", Asked(text, form));
        }

        yield return ("approval_destructive", Approval(text) with
        {
            Tier = ApprovalTier.Destructive,
            What = text("git push --force origin main"),
            Consequences = [text("Replaces the history of main on origin")],
        });
        yield return ("help", new HelpView());
        yield return ("error", new ErrorView(text("The machine could not start the agent: codex is not installed."), text("log-7f3a")));
        yield return ("status", new StatusView(Options(
            text, many, n => n switch { "devbox" => "Machine", "0.1.0" => "Version", "running" => "Daemon", _ => null }, "devbox", "0.1.0", "running")));
        yield return ("usage", new UsageView([.. projects.Select(p => new UsageRow(p.Name, usage))]));

        List<CardOption> Agents() => Options(text, many, _ => null, "Codex", "Claude Code", "Gemini CLI");

        IEnumerable<string> Names(params string[] first) => Enumerable.Range(0, many).Select(i => i < first.Length ? first[i] : $"project-{i + 1}");
    }

    public static ApprovalView Approval(Func<string, string> text)
        => new(
            "apr-1", text("command"), ApprovalTier.Write, ApprovalForm.Command, text("npm install left-pad"), text("bubblewrap, no network"),
            "0123456789abcdef0123456789abcdef", new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.FromHours(1)),
            [text("Writes node_modules"), text("Runs scripts of packages")]);

    private static ApprovalView Asked(Func<string, string> text, ApprovalForm form)
    {
        var approval = Approval(text) with { Form = form };
        return form switch
        {
            ApprovalForm.Diff => approval with
            {
                Kind = text("edit"),
                What = text(
                    "--- a/src/date.ts\n+++ b/src/date.ts\n@@ -4,3 +4,3 @@\n export function day(date: Date) {\n-  return date.toLocaleDateString();\n+  return date.toISOString().slice(0, 10);\n }"),
                Consequences = [text("Changes 1 file")],
            },
            ApprovalForm.Host => approval with
            {
                Kind = text("network"),
                Tier = ApprovalTier.Network,
                What = text("registry.npmjs.org:443"),
                Consequences = [],
            },
            ApprovalForm.Text => approval with { Kind = text("plan"), What = text("1. Read the tests.\n2. Change the dates to UTC.\n3. Run the tests."), Consequences = [] },
            _ => approval,
        };
    }

    /// <param name="value">Of a name; null: v1, v2, … as its place.</param>
    private static List<CardOption> Options(Func<string, string> text, int many, Func<string, string?> value, params string[] names)
        => [.. Enumerable.Range(1, many).Select(i =>
        {
            var name = i <= names.Length ? names[i - 1] : $"Option {i}";
            return new CardOption(value(name) is { } given ? text(given) : $"v{i}", text(name));
        })];

    private static (string Output, string? Reason) Said(CardState state) => state switch
    {
        CardState.Created or CardState.Queued => ("", null),
        CardState.Waiting => ("I need the package `left-pad` for *one* test.", "It waits for four approvals."),
        CardState.Complete => (
            "Dates are in UTC now, and all 41 tests pass.\n\n| file | lines |\n| --- | --- |\n| src/date.ts | +3 -1 |\n| test/date.test.ts | +12 |\n", null),
        CardState.Failed => ("I run the tests now.\n```\nnpm test\n```", "The agent ended with exit code 137: out of memory."),
        CardState.Stopped => ("I run the tests now.", "Ann stopped it."),
        _ => (
            "The test compares *local* time with UTC, so it fails after 22:00. I change one line:\n```ts\nreturn date.toISOString().slice(0, 10);\n```\nThen I run the tests.",
            null),
    };
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

namespace PocketCoder.Agents.Stub;

/// <summary>
/// Plain sentences that the demo agent understands, so that a first visit needs no syntax: each shows one kind of request. A sentence is
/// one short line with all the words of a rule in it, in any order and case. Pure.
/// </summary>
internal static class StubSentences
{
    private const int Longest = 200;

    private const string Page = "<!doctype html>\\n<meta charset='utf-8'>\\n<title>Hello</title>\\n<h1>Hello from PocketCoder</h1>\\n";

    private static readonly StubStep[] s_page =
    [
        new(StubVerb.Echo, "I write a small page, then look whether it is there."),
        new(StubVerb.Todo, "Write index.html | Check it"),
        new(StubVerb.Write, $"index.html | {Page}"),
        new(StubVerb.Run, "ls -l index.html"),
        new(StubVerb.Echo, "The page is there. Look at it under Files."),
    ];

    private static readonly StubStep[] s_delete =
    [
        new(StubVerb.Echo, "I remove the build folder. That destroys what is in it, so it must be held, not tapped."),
        new(StubVerb.Run, "rm -rf build"),
    ];

    private static readonly StubStep[] s_ask = [new(StubVerb.Ask, "Which colour should the page have? | Green | Blue")];

    private static readonly StubStep[] s_plan =
        [new(StubVerb.Plan, "# A small site\\n\\n1. Write the page\\n2. Give it a colour\\n3. Check it in a browser")];

    private static readonly StubStep[] s_list = [new(StubVerb.Run, "ls -la")];

    private static readonly StubStep[] s_can =
    [
        new(
            StubVerb.Echo,
            """
            I am the demo agent: no account, no model, and the same approvals as a real one. Try:

            - Make a hello page
            - Delete the build folder
            - Ask me a question
            - Make a plan
            - List the files
            - `run: <command>` runs any command of yours
            """),
    ];

    private static readonly (string[] Words, StubStep[] Steps)[] s_rules =
    [
        (["hello", "page"], s_page),
        (["问候", "网页"], s_page),
        (["delete", "build", "folder"], s_delete),
        (["删除", "build"], s_delete),
        (["ask me", "question"], s_ask),
        (["问我", "问题"], s_ask),
        (["make a plan"], s_plan),
        (["制定", "计划"], s_plan),
        (["list", "files"], s_list),
        (["列出", "文件"], s_list),
        (["what can you do"], s_can),
        (["你能做什么"], s_can),
    ];

    /// <summary>The steps of a sentence; null: it is none of these.</summary>
    public static IReadOnlyList<StubStep>? Find(string prompt)
    {
        var line = prompt.Trim();
        return line.Length is 0 or > Longest || line.AsSpan().ContainsAny('\n', ':')
            ? null
            : s_rules.FirstOrDefault(r => r.Words.All(w => line.Contains(w, StringComparison.OrdinalIgnoreCase))).Steps;
    }
}

using System.Globalization;

namespace PocketCoder.Testing.ScriptedModel;

/// <summary>
/// What the prompt tells the model to do, one directive a line (<c>\n</c> in a directive's text is a line feed):
/// <c>BASH: cmd</c>, <c>BASH&amp;: cmd</c> (in one message with the next call), <c>WRITE: path | text</c>, <c>EDIT: path | old | new</c>,
/// <c>READ: path</c>, <c>ASK: question | a | b</c>, <c>PLAN: text</c>, <c>TODO: a | b</c>, <c>AGENT: prompt</c>, <c>TOOL: name {json}</c>,
/// <c>THINK: text</c>, <c>SAY: text</c>, <c>LONG: n</c>, <c>SLOW: ms</c>, <c>HTTP: status [times]</c>, <c>CUT[: always]</c>, <c>MALFORMED[:
/// always]</c>, <c>HANG</c>. Without any, the prompt is repeated.
/// </summary>
public static class Script
{
    /// <summary>The steps, in rounds: each round but the last ends with a tool call.</summary>
    public static IReadOnlyList<IReadOnlyList<ScriptStep>> Rounds(string prompt)
    {
        var rounds = new List<IReadOnlyList<ScriptStep>>();
        var round = new List<ScriptStep>();
        foreach (var line in prompt.Split('\n'))
        {
            foreach (var step in Parse(line.Trim()))
            {
                round.Add(step);
                if (step is ScriptStep.Call { GoesOn: false })
                {
                    rounds.Add(round);
                    round = [];
                }
            }
        }

        if (rounds.Count == 0 && round.Count == 0)
        {
            round.Add(new ScriptStep.Say(Words($"You said: {prompt.Trim()}")));
        }

        rounds.Add(round);
        return rounds;
    }

    public static IReadOnlyList<string> Words(string text) => [.. text.Split(' ').Select((word, i) => i == 0 ? word : $" {word}")];

    private static IEnumerable<ScriptStep> Parse(string line)
    {
        var colon = line.IndexOf(':', StringComparison.Ordinal);
        var word = colon < 0 ? line : line[..colon];
        if (word == "BASH&")
        {
            return [new ScriptStep.Call(new ScriptTool.Bash(line[(colon + 1)..].Trim())) { GoesOn = true }];
        }

        var text = colon < 0 ? "" : line[(colon + 1)..].Trim().Replace("\\n", "\n", StringComparison.Ordinal);
        var parts = text.Split('|', StringSplitOptions.TrimEntries);
        switch (word)
        {
            case "BASH":
                return [new ScriptStep.Call(new ScriptTool.Bash(text))];
            case "WRITE" when parts.Length >= 2:
                return [new ScriptStep.Call(new ScriptTool.Write(parts[0], After(text, 1)))];
            case "EDIT" when parts.Length >= 2:
                return [new ScriptStep.Call(new ScriptTool.Edit(parts[0], parts[1], parts.Length > 2 ? After(text, 2) : ""))];
            case "READ":
                return [new ScriptStep.Call(new ScriptTool.Read(text))];
            case "ASK":
                return [new ScriptStep.Call(new ScriptTool.Ask(parts[0], parts[1..]))];
            case "PLAN":
                return [new ScriptStep.Call(new ScriptTool.Plan(text))];
            case "TODO":
                return parts.Select(p => new ScriptStep.Call(new ScriptTool.Todo(p)));
            case "AGENT":
                return [new ScriptStep.Call(new ScriptTool.Agent(text))];
            case "TOOL":
                var blank = text.IndexOf(' ', StringComparison.Ordinal);
                return [new ScriptStep.Call(
                    new ScriptTool.Raw(text[..blank], line[(line.IndexOf(text[..blank], StringComparison.Ordinal) + blank)..].Trim()))];
            case "THINK":
                return [new ScriptStep.Think(text)];
            case "SAY":
                return [new ScriptStep.Say(Words(text))];
            case "LONG":
                return [new ScriptStep.Say([.. Enumerable.Range(0, Number(text)).Select(n => $"w{n} ")])];
            case "SLOW":
                return [new ScriptStep.Slow(Number(text))];
            case "HTTP":
                var numbers = text.Split(' ');
                return [new ScriptStep.Fail(Number(numbers[0]), numbers.Length > 1 ? Number(numbers[1]) : 0)];
            case "CUT":
                return [new ScriptStep.Break(BreakKind.Cut, text == "always")];
            case "MALFORMED":
                return [new ScriptStep.Break(BreakKind.Malformed, text == "always")];
            case "HANG":
                return [new ScriptStep.Break(BreakKind.Hung, Always: true)];
            default:
                return [];
        }
    }

    private static string After(string text, int bars)
    {
        var at = -1;
        for (var i = 0; i < bars; i++)
        {
            at = text.IndexOf('|', at + 1);
        }

        return text[(at + 1)..].TrimStart(' ');
    }

    private static int Number(string text) => int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
}

namespace PocketCoder.Agents.Stub;

internal enum StubVerb
{
    Echo,
    Run,
    Write,
    Ask,
    Plan,
    Long,
    Think,
    Todo,
    Fail,
    Confirm,

    /// <summary>Calls a tool of the machine: its name, then its input.</summary>
    Tool,

    /// <summary>Several commands at once.</summary>
    Together,

    /// <summary>Names the conversation.</summary>
    Title,

    /// <summary>The slash command <c>/help</c>.</summary>
    Help,

    /// <summary>The slash command <c>/settings</c>: tells model and effort.</summary>
    Settings,

    /// <summary>Looks at the same thing so often, without asking, and sees the same each time.</summary>
    Again,

    /// <summary>Says nothing for so many seconds.</summary>
    Silent,

    /// <summary>A provider that fails so often, a second apart.</summary>
    Retry,
}

/// <summary>One thing to do: a line <c>verb: text</c> of the prompt. Lines without a verb are echoed together.</summary>
internal sealed record StubStep(StubVerb Verb, string Text)
{
    /// <summary>Most deltas one <c>long:</c> gives.</summary>
    public const int MaxDeltas = 100_000;

    /// <summary>Most times that <c>again:</c>, <c>silent:</c> and <c>retry:</c> take.</summary>
    public const int MaxTimes = 10_000;

    /// <summary>The text's parts between <c>|</c>, trimmed, none empty.</summary>
    public string[] Parts => Text.Split('|', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    public static IReadOnlyList<StubStep> Parse(string prompt)
    {
        if (StubSentences.Find(prompt) is { } known)
        {
            return known;
        }

        var steps = new List<StubStep>();
        foreach (var line in prompt.ReplaceLineEndings("\n").Split('\n'))
        {
            var step = ParseLine(line);
            if (step.Verb == StubVerb.Echo && steps is [.., { Verb: StubVerb.Echo } last])
            {
                steps[^1] = last with { Text = $"{last.Text}\n{step.Text}" };
            }
            else
            {
                steps.Add(step);
            }
        }

        steps.RemoveAll(s => s.Verb == StubVerb.Echo && string.IsNullOrWhiteSpace(s.Text));
        return steps;
    }

    private static StubStep ParseLine(string line)
    {
        var colon = line.IndexOf(':', StringComparison.Ordinal);
        if (colon > 0)
        {
            var word = line[..colon].Trim();
            foreach (var verb in Enum.GetValues<StubVerb>())
            {
                if (verb is not (StubVerb.Echo or StubVerb.Help or StubVerb.Settings)
                    && word.Equals(verb.ToString(), StringComparison.OrdinalIgnoreCase))
                {
                    return new StubStep(verb, line[(colon + 1)..].Trim());
                }
            }
        }

        return line.Trim() switch
        {
            "/help" => new StubStep(StubVerb.Help, ""),
            "/settings" => new StubStep(StubVerb.Settings, ""),
            _ => new StubStep(StubVerb.Echo, line),
        };
    }
}

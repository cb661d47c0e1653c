namespace PocketCoder.EndToEnd.Tests.Crash;

/// <summary>The same prompts in the words of each agent. Every command and file carries an id that is used once.</summary>
internal abstract record Vocabulary(string Agent)
{
    public const string RunLog = "runs.log";

    public static Vocabulary Stub { get; } = new StubWords();

    public static Vocabulary Claude { get; } = new ClaudeWords();

    public abstract string Say(string text);

    public abstract string Long(Random random);

    /// <summary>Appends the id to the run log.</summary>
    public string Run(string id) => Command($"echo {id} >> {RunLog}");

    /// <summary>The same, and then goes on until somebody ends it.</summary>
    public string RunAndStay(string id) => Command($"echo {id} >> {RunLog}; sleep 300");

    /// <summary>One random line that does something.</summary>
    public abstract string Any(Random random, string id);

    protected abstract string Command(string line);

    private sealed record StubWords() : Vocabulary("stub")
    {
        public override string Say(string text) => text;

        public override string Long(Random random) => $"long: {random.Next(20, 60)}";

        public override string Any(Random random, string id) => random.Next(9) switch
        {
            0 or 1 or 2 => Run(id),
            3 => $"write: f-{id}.txt | {id}",
            4 => $"ask: Which {id}? | a | b",
            5 => $"plan: Do {id}",
            6 => Long(random),
            7 => $"confirm: sure {id}?",
            _ => $"think: about {id}",
        };

        protected override string Command(string line) => $"run: {line}";
    }

    private sealed record ClaudeWords() : Vocabulary("claude")
    {
        public override string Say(string text) => $"SAY: {text}";

        public override string Long(Random random) => $"SLOW: 5\nLONG: {random.Next(20, 60)}\nSLOW: 0";

        public override string Any(Random random, string id) => random.Next(6) switch
        {
            0 or 1 or 2 => Run(id),
            3 => $"WRITE: f-{id}.txt | {id}",
            4 => $"ASK: Which {id}? | a | b",
            _ => Long(random),
        };

        protected override string Command(string line) => $"BASH: {line}";
    }
}

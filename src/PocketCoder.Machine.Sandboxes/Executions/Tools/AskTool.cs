using PocketCoder.Agents;

namespace PocketCoder.Machine.Executions.Tools;

/// <summary>A question to the person, for agents that have none of their own.</summary>
public sealed record AskTool(string Question, IReadOnlyList<string> Options, bool MultiSelect)
{
    public const string Name = "ask";

    private const int MaxQuestionBytes = 4000;
    private const int MaxOptions = 12;
    private const int MaxOptionBytes = 300;

    public static HostTool Offer { get; } = new(
        Name,
        "Asks the user a question and waits for the answer: one of the options, or words of their own.",
        """{"type":"object","properties":{"question":{"type":"string"},"options":{"type":"array","items":{"type":"string"},"description":"Answers to choose from (at most 12)"},"multiple":{"type":"boolean","description":"More than one may be chosen"}},"required":["question"],"additionalProperties":false}""");

    public static AskTool? Parse(string json, out string refusal)
    {
        var input = ToolInput.Read(json, "question", "options", "multiple");
        var tool = new AskTool(input.Text("question", MaxQuestionBytes, required: true) ?? "",
            input.Texts("options", MaxOptions, MaxOptionBytes), input.Flag("multiple"));
        refusal = input.Refusal ?? (string.IsNullOrWhiteSpace(tool.Question) ? "question must not be empty." : "");
        return refusal.Length == 0 ? tool : null;
    }
}

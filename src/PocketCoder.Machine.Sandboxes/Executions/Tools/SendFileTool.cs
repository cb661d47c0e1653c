using PocketCoder.Agents;

namespace PocketCoder.Machine.Executions.Tools;

/// <summary>An agent gives a file of the project to the person.</summary>
/// <param name="Path">As the model wrote it.</param>
public sealed record SendFileTool(string Path, string? Caption)
{
    public const string Name = "send_file";

    private const int MaxPathBytes = 4096;
    private const int MaxCaptionBytes = 2000;

    public static HostTool Offer { get; } = new(
        Name,
        "Sends a file of the project to the user's phone, as it is now: a report, a picture, a build. A file that looks like a secret is asked about first.",
        """{"type":"object","properties":{"path":{"type":"string","description":"The file, inside the project, absolute or from where you work"},"caption":{"type":"string","description":"A few words about it"}},"required":["path"],"additionalProperties":false}""");

    public static SendFileTool? Parse(string json, out string refusal)
    {
        var input = ToolInput.Read(json, "path", "caption");
        var tool = new SendFileTool(input.Text("path", MaxPathBytes, required: true) ?? "", input.Text("caption", MaxCaptionBytes));
        refusal = input.Refusal ?? (tool.Path.Length == 0 ? "path must not be empty." : "");
        return refusal.Length == 0 ? tool : null;
    }
}

using System.Globalization;
using System.Text.RegularExpressions;
using PocketCoder.Agents;
using PocketCoder.Agents.Tests.Acp;

namespace PocketCoder.Agents.Tests.Matrix;

/// <summary>
/// Every real agent × every reason for a refusal × what was asked: what people are shown of the call is a failure with that reason, and the
/// model is told the same words, not that a person cancelled it. How the machine comes to each reason: <c>Machine.Tests/RefusalTests</c>.
/// </summary>
[Trait("Category", "Slow")]
public sealed class RefusalMatrixTests(RealAcpFixture fixture) : IClassFixture<RealAcpFixture>
{
    /// <summary>As the machine words them, and one with what a protocol may stumble over.</summary>
    private static readonly string[] s_reasons =
    [
        "The user denied this.",
        "rather with the other library",
        "Nobody decided in time, so this was denied. Do not retry it unless asked; tell the user what you wanted to do.",
        "Not done: the file changed after it was shown. Look at the current state and ask again.",
        "Not done: its time was over before it began. Ask again if it is still needed.",
        "Not done: the machine can't write its ledger: the disk is full. Tell the user.",
        "Not done: it could not be started: no sandbox works here.",
        "Not done because of an error inside PocketCoder (injected). Do not retry it unless asked; tell the user.",
        "Line one: “ä, 日本, {json: [1]}”, 100 %; it's the last.",
    ];

    /// <summary>The scripted model keeps some results as JSON.</summary>
    private static string Plain(string told) => Regex.Replace(
        told, @"\\u(?<code>[0-9A-Fa-f]{4})", m => ((char)int.Parse(m.Groups["code"].Value, NumberStyles.HexNumber,
            CultureInfo.InvariantCulture)).ToString(), RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1));

    public static TheoryData<string> Columns => [.. MatrixAgent.Columns];

    [Theory]
    [MemberData(nameof(Columns))]
    public async Task Every_refusal_is_shown_and_told_with_its_reason(string column)
    {
        using var agent = await MatrixAgent.NewAsync(column, fixture);
        await using var run = await agent.StartAsync();
        var wrong = new List<string>();
        for (var i = 0; i < s_reasons.Length; i++)
        {
            await RefuseAsync($"WRITE: {agent.InProject($"refused-{i}.txt")} | text", s_reasons[i]);
            await RefuseAsync($"BASH: touch refused-{i}.txt", s_reasons[i]);
            Assert.False(File.Exists(agent.InProject($"refused-{i}.txt")));
        }

        Assert.True(wrong.Count == 0, $"{column}:\n{string.Join('\n', wrong)}");

        async Task RefuseAsync(string prompt, string reason)
        {
            var before = fixture.Model.Requests.Count;
            await run.PromptAsync(prompt);
            var asked = await run.NextAsync<AgentApprovalAsked>();
            var results = run.Of<AgentToolResult>().Count;
            Assert.True(await run.AnswerAsync(asked.RequestId, new AgentAnswer.Deny(reason)));
            Assert.Equal(TurnOutcome.Completed, (await run.NextAsync<AgentTurnEnded>()).Outcome);
            var shown = run.Of<AgentToolResult>().Skip(results).Where(r => r.ToolUseId == asked.ToolUseId).ToList();
            if (shown is not [{ IsError: true } result] || !result.Output.Contains(reason, StringComparison.Ordinal))
            {
                wrong.Add($"shown of {prompt.Split(':')[0]}: {string.Join(" | ", shown)} instead of {reason}");
            }

            var told = fixture.Model.Requests.Skip(before).SelectMany(r => r.ToolResults).Select(Plain).ToList();
            if (!told.Exists(t => t.Contains(reason, StringComparison.Ordinal)) || told.Exists(
                t => t.Contains("by the user", StringComparison.OrdinalIgnoreCase) && !t.Contains(reason, StringComparison.Ordinal)))
            {
                wrong.Add($"told of {prompt.Split(':')[0]}: {string.Join(" | ", told)} instead of {reason}");
            }
        }
    }
}

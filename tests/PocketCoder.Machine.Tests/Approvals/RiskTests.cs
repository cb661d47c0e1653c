using PocketCoder.Protocol;

namespace PocketCoder.Machine.Tests.Approvals;

/// <summary>What a request would do is told with it.</summary>
public sealed class RiskTests
{
    [Theory]
    [InlineData("run: ls", RiskTier.Read)]
    [InlineData("run: echo x > here.txt", RiskTier.WorkspaceWrite)]
    [InlineData("run: curl https://example.org", RiskTier.ReachesOut)]
    [InlineData("run: sudo rm -rf /etc", RiskTier.Destructive)]
    [InlineData("write: .git/hooks/pre-commit | #!/bin/sh", RiskTier.Destructive)]
    public async Task A_request_says_how_far_it_goes(string prompt, RiskTier least)
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await phone.StartAsync(prompt);
        var risk = (await phone.AskedAsync()).Risk;
        Assert.NotNull(risk);
        Assert.True(risk.Tier >= least, $"{risk.Tier}: {string.Join(' ', risk.Consequences.Select(c => c.Sentence))}");
        Assert.True(least == RiskTier.Read ? risk.Tier == RiskTier.Read : risk.Consequences.Count > 0);
    }
}

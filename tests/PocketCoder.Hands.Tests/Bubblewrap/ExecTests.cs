namespace PocketCoder.Hands.Tests.Bubblewrap;

/// <summary>One sandbox for tests that only run commands in it.</summary>
public sealed class SharedSandbox : IAsyncLifetime
{
    private readonly Ground ground = new();

    public ISandbox Sandbox { get; private set; } = null!;

    public SandboxSpec Spec { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Spec = ground.Spec() with { Environment = new Dictionary<string, string> { ["FROM_SPEC"] = "a b\n\"c\"" } };
        Sandbox = await ground.CreateAsync(Spec);
    }

    public async ValueTask DisposeAsync() => await ground.DisposeAsync();
}

public sealed class ExecTests(SharedSandbox shared) : IClassFixture<SharedSandbox>
{
    private ISandbox Sandbox => shared.Sandbox;

    [Fact]
    public async Task A_command_gives_its_exit_code_and_keeps_its_two_outputs_apart()
    {
        var (outcome, output, errors) = await Sandbox.ShellAsync("echo out; echo err >&2; exit 42");
        Assert.Equal((ExecEnd.Exited, 42, null), (outcome.End, outcome.ExitCode, outcome.Signal));
        Assert.Equal("out\n", output);
        Assert.Equal("err\n", errors);
        Assert.True(outcome.Duration > TimeSpan.Zero);
    }
}

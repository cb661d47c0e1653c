using System.Text.Json;

namespace PocketCoder.Cli.Tests;

/// <summary>What a program that has ended said.</summary>
internal sealed record Ran(int Code, string Out, string Error)
{
    /// <summary>Its one JSON value on standard output.</summary>
    public JsonElement Json => JsonDocument.Parse(Out).RootElement;

    /// <summary>The error object on standard error.</summary>
    public JsonElement ErrorJson => JsonDocument.Parse(Error).RootElement.GetProperty("error");

    public Ran Succeeded() => Ended(0);

    public Ran Ended(int code)
    {
        Assert.True(Code == code, $"exit code {Code} instead of {code}\n--- out\n{Out}\n--- error\n{Error}");
        return this;
    }
}

namespace PocketCoder.Testing;

/// <summary>The program that tests start as people do.</summary>
public static class BuiltProgram
{
    /// <summary>Names it; <c>eng/testing/plan.mjs</c> sets it.</summary>
    public const string Variable = "POCKETCODER_TEST_PROGRAM";

    /// <summary>
    /// The published file if a whole run made one: it is what people get, and starts in a tenth of the time. Else the one that was built
    /// beside these tests, in the same configuration.
    /// </summary>
    public static string Path { get; } = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named
        ? System.IO.Path.GetFullPath(named, Repository.Root)
        : System.IO.Path.Combine(
            Repository.PathOf("artifacts/bin/PocketCoder.Cli"),
            System.IO.Path.GetFileName(System.IO.Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory)),
            "pocketcoder");
}

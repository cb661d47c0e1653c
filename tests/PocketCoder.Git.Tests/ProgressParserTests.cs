using PocketCoder.Protocol;

namespace PocketCoder.Git.Tests;

public sealed class ProgressParserTests
{
    [Theory]
    [InlineData("remote: Counting objects:  50% (1/2)", ClonePhase.Counting, 50)]
    [InlineData("remote: Compressing objects: 100% (2/2), done.", ClonePhase.Compressing, 100)]
    [InlineData("Receiving objects:   0% (1/8000), 1.20 MiB | 3.00 MiB/s", ClonePhase.Receiving, 0)]
    [InlineData("Unpacking objects: 33% (1/3)", ClonePhase.Receiving, 33)]
    [InlineData("Resolving deltas: 7% (7/100)", ClonePhase.Resolving, 7)]
    [InlineData("Updating files:  99% (99/100)", ClonePhase.CheckingOut, 99)]
    public void Git_tells_how_far_it_is(string line, ClonePhase phase, int percent)
        => Assert.Equal((phase, percent), ProgressParser.Parse(line));

    [Theory]
    [InlineData("")]
    [InlineData("remote: Receiving objects: 100% (1/1)")]
    [InlineData("remote: Resolving deltas: 100%")]
    [InlineData("Counting objects: 100%")]
    [InlineData("Receiving objects: 101% (1/1)")]
    [InlineData("Receiving objects: -1%")]
    [InlineData("Receiving objects: 1234%")]
    [InlineData("Receiving objects: ٣%")]
    [InlineData("Receiving objects: %")]
    [InlineData("Receiving objects: 12")]
    [InlineData("remote: Enumerating objects: 5, done.")]
    [InlineData("50% of what you think")]
    public void Whatever_else_is_said_is_nothing(string line) => Assert.Null(ProgressParser.Parse(line));
}

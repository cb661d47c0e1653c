using System.Text.RegularExpressions;
using PocketCoder.Testing;

namespace PocketCoder.Architecture.Tests;

/// <summary>
/// Nobody disposes of a semaphore that somebody may still hold: to release it would throw, and who waits would never be told.
/// <c>AsyncSemaphore</c> can't be disposed of; here are the places that have another one, and none of them disposes of it.
/// </summary>
public sealed class SemaphoreTests
{
    /// <summary>The class itself, and projects that can't see <c>Processes</c>.</summary>
    private static readonly string[] s_others =
    [
        "PocketCoder.Accounts/Passwords.cs", "PocketCoder.Feishu.Bot/Door/WebhookDoor.cs", "PocketCoder.Feishu.Bot/Inbox/Lanes.cs",
        "PocketCoder.Feishu.Bot/People/PeopleHere.cs", "PocketCoder.Feishu.Bot/Places/PlaceBook.cs", "PocketCoder.Feishu.Bot/Sending/WorkspaceMessages.cs", "PocketCoder.Feishu.Bot/Turns/Followers.cs",
        "PocketCoder.Feishu.Bot/Turns/SessionFollower.cs", "PocketCoder.Feishu/LongConnection/FeishuSocket.cs", "PocketCoder.Ledger/Reading/ReaderPool.cs",
        "PocketCoder.Machine.Streams/Streams/SessionStream.cs", "PocketCoder.Processes/AsyncSemaphore.cs",
    ];

    private static readonly Regex s_field = new(
        @"\bSemaphoreSlim\??>? (?<name>\w+)", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(10));

    [Fact]
    public void A_semaphore_is_one_that_nobody_can_dispose_of()
        => Assert.Empty(Sources().Where(s => s.Text.Contains("SemaphoreSlim", StringComparison.Ordinal)).Select(s => s.Name).Except(s_others));

    [Fact]
    public void The_others_are_not_disposed_of()
    {
        var others = Sources().Where(s => s_others.Contains(s.Name, StringComparer.Ordinal)).ToList();
        Assert.Equal(s_others.Length, others.Count);
        var disposed = others.SelectMany(s => s_field.Matches(s.Text).Select(m => $"{m.Groups["name"].Value}.Dispose(")
            .Where(d => s.Text.Contains(d, StringComparison.Ordinal)).Select(d => $"{s.Name}: {d}"));
        Assert.Empty(disposed);
    }

    private static IEnumerable<(string Name, string Text)> Sources()
        => Directory.EnumerateFiles(Repository.PathOf("src"), "*.cs", SearchOption.AllDirectories)
        .Select(f => (Name: Path.GetRelativePath(Repository.PathOf("src"), f).Replace('\\', '/'), File: f))
        .Where(f => !f.Name.Contains("/obj/", StringComparison.Ordinal))
        .Select(f => (f.Name, File.ReadAllText(f.File)));
}

using PocketCoder.Testing;
using PocketCoder.Testing.Git;

namespace PocketCoder.Architecture.Tests;

/// <summary>
/// What was committed by `git add` of a whole folder: pictures that a script left in the checkout went with a commit once, 33 MB of them,
/// and nobody saw it in a list of six hundred names.
/// </summary>
public sealed class CommittedFilesTests
{
    /// <summary>Bytes; the largest that is written by hand has half of it.</summary>
    private const long Largest = 200_000;

    /// <summary>Generated, and checked by tests of their own.</summary>
    private static readonly string[] s_larger = ["docs/protocol.schema.json"];

    [Fact]
    public async Task Pictures_are_committed_where_they_are_shown_and_nothing_is_large()
    {
        Assert.SkipUnless(Path.Exists(Repository.PathOf(".git")), "This is no checkout of git.");
        var files = (await Shell.RunAsync(Repository.Root, "git -c safe.directory=* ls-files -z", TestContext.Current.CancellationToken))
            .Split('\0', StringSplitOptions.RemoveEmptyEntries);
        Assert.Contains("app/index.html", files);
        Assert.DoesNotContain(files, f => !IsShown(f) && IsPicture(f));
        Assert.DoesNotContain(files.Except(s_larger), f => new FileInfo(Repository.PathOf(f)) is { Exists: true, Length: > Largest });
    }

    private static bool IsShown(string file)
        => file.StartsWith("docs/images/", StringComparison.Ordinal) || file.StartsWith("app/public/", StringComparison.Ordinal);

    private static bool IsPicture(string file) => Path.GetExtension(file) is ".png" or ".jpg" or ".jpeg" or ".webp" or ".gif" or ".pdf";
}

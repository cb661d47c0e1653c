using System.Diagnostics;
using System.Runtime.Versioning;
using System.Text;
using PocketCoder.Machine.Projects;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;
using PocketCoder.Workspace;

namespace PocketCoder.Machine.Tests.Projects;

/// <summary>Which folders beneath a project's root a session may work in.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class SessionFolderTests : IDisposable
{
    private static readonly TimeSpan s_budget = TimeSpan.FromSeconds(2);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pc-beneath-");
    private readonly string _root;

    public SessionFolderTests()
    {
        _root = _folder.CreateSubdirectory("project").FullName;
        Directory.CreateDirectory(Path.Combine(_root, "packages/web"));
        Directory.CreateDirectory(Path.Combine(_root, "own/state"));
        File.WriteAllText(Path.Combine(_root, "packages/readme"), "");
        _folder.CreateSubdirectory("outside/web");
        File.CreateSymbolicLink(Path.Combine(_root, "out"), Path.Combine(_folder.FullName, "outside"));
        File.CreateSymbolicLink(Path.Combine(_root, "in"), "packages");
        File.CreateSymbolicLink(Path.Combine(_root, "packages/last"), "web");
    }

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData(null, null)]
    [InlineData("", null)]
    [InlineData("packages/web", "packages/web")]
    [InlineData("a folder/größer", "a folder/größer")]
    [InlineData("snap", "snap")]
    public void A_plain_path_is_taken_as_it_is_and_none_is_the_root(string? given, string? folder)
        => Assert.Equal(folder, SessionFolder.Parse(given));

    [Theory]
    [InlineData("/packages/web", ErrorCode.OutsideProjectRoot)]
    [InlineData("..", ErrorCode.OutsideProjectRoot)]
    [InlineData("packages/../../outside", ErrorCode.OutsideProjectRoot)]
    [InlineData("packages//web", ErrorCode.InvalidRequest)]
    [InlineData("packages/", ErrorCode.InvalidRequest)]
    [InlineData("./packages", ErrorCode.InvalidRequest)]
    [InlineData("pack\0ages", ErrorCode.InvalidRequest)]
    [InlineData("pack\\u{0}ages", ErrorCode.InvalidRequest)]
    [InlineData("packages\\u{2f}web", ErrorCode.InvalidRequest)]
    [InlineData("packages\\\\web", ErrorCode.InvalidRequest)]
    [InlineData("\\x{2e}\\x{2e}/outside", ErrorCode.OutsideProjectRoot)]
    [InlineData("pack\u202eages", ErrorCode.InvalidRequest)]
    [InlineData("pack\nages", ErrorCode.InvalidRequest)]
    [InlineData(".git", ErrorCode.PermissionDenied)]
    [InlineData("packages/.ssh/keys", ErrorCode.PermissionDenied)]
    [InlineData(".aws", ErrorCode.PermissionDenied)]
    public void Everything_else_is_refused_by_its_text(string given, ErrorCode code)
        => Assert.Equal(code, CodeOf(() => SessionFolder.Parse(given)));

    [Fact]
    public void What_is_too_long_or_too_deep_is_refused()
    {
        Assert.Equal(ErrorCode.InvalidRequest, CodeOf(() => SessionFolder.Parse(new string('a', 256))));
        var deep = string.Join('/', Enumerable.Repeat("a", FileLimits.Depth + 1));
        Assert.Equal(ErrorCode.InvalidRequest, CodeOf(() => SessionFolder.Parse(deep)));
        Assert.Equal(ErrorCode.InvalidRequest, CodeOf(() => SessionFolder.Parse(new string('a', FileLimits.PathLength + 1))));
    }

    [Fact]
    public void Only_a_folder_that_is_there_without_a_link_on_the_way_is_worked_in()
    {
        Assert.Equal(_root, SessionFolder.Require(_root, null));
        Assert.Equal($"{_root}/packages/web", SessionFolder.Require(_root, "packages/web"));
        foreach (var (folder, code) in new[]
        {
            ("packages/api", ErrorCode.FileNotFound), ("nothing/web", ErrorCode.FileNotFound), ("packages/readme", ErrorCode.NotADirectory),
            ("packages/readme/web", ErrorCode.NotADirectory), ("out", ErrorCode.OutsideProjectRoot),
            ("out/web", ErrorCode.OutsideProjectRoot), ("in/web", ErrorCode.OutsideProjectRoot),
            ("packages/last", ErrorCode.OutsideProjectRoot),
        })
        {
            Assert.Equal((folder, code), (folder, CodeOf(() => SessionFolder.Require(_root, folder))));
        }

        var own = new[] { Path.Combine(_root, "own") };
        Assert.Equal(ErrorCode.PermissionDenied, CodeOf(() => SessionFolder.Require(_root, "own/state", own)));
        Assert.Equal($"{_root}/own/state", SessionFolder.Require(_root, "own/state"));
        Assert.Equal($"{_root}/own/state", SessionFolder.Require(_root, "own/state", [_folder.FullName])); // the project lies in it
        Directory.Delete(Path.Combine(_root, "packages/web"));
        Assert.Equal(ErrorCode.FileNotFound, CodeOf(() => SessionFolder.Require(_root, "packages/web")));
    }

    [Fact]
    public void Whatever_is_given_nothing_but_a_folder_beneath_the_root_is_taken()
    {
        string[] pieces =
        [
            "/", "/", "..", ".", "packages", "web", "out", "in", "\\", "\\\\", "\\u{2f}", "\\x{00}", "\0", " ", "\u202e", "é", "~", ".git",
        ];
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        var taken = 0;
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < s_budget;)
        {
            var text = new StringBuilder();
            for (var i = random.Next(8); i >= 0; i--)
            {
                text.Append(random.Next(9) == 0 ? ((char)random.Next(0x10000)).ToString() : pieces[random.Next(pieces.Length)]);
            }

            var given = text.ToString();
            try
            {
                if (SessionFolder.Parse(given) is not { } folder)
                {
                    continue;
                }

                taken++;
                Assert.True(Path.GetFullPath(Path.Combine(_root, folder)) == $"{_root}/{folder}", $"seed {seed}: {given}");
                Assert.DoesNotContain(folder.Split('/'), n => n is "" or "." or ".." || n[0] == '.');
                var at = SessionFolder.Require(_root, folder);
                Assert.True(at[(_root.Length + 1)..] is "packages" or "packages/web", $"seed {seed}: {given}");
            }
            catch (Exception e) when (e is RequestFailure or WorkspaceException)
            {
                // refused
            }
        }

        Assert.True(taken > 0, $"seed {seed}: nothing was taken");
    }

    private static ErrorCode CodeOf(Action act) => Record.Exception(act) switch
    {
        RequestFailure refused => refused.Error.Code,
        WorkspaceException refused => refused.Code,
        var other => throw new InvalidOperationException($"not refused: {other}"),
    };
}

using System.Runtime.Versioning;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.Tests.Shared;

/// <summary>Which mode a file has that a driver wrote.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class WriteTargetTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pocketcoder-test-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData(".env", null, "600")]
    [InlineData("sub/id_rsa", null, "600")]
    [InlineData(".env", "644", "644")]
    [InlineData("plain.txt", "666", "666")]
    [InlineData("tool.sh", "755", "755")]
    [InlineData("plain.txt", null, null)]
    public async Task A_new_secret_is_its_owners_alone_and_what_is_there_keeps_its_mode(string name, string? before, string? after)
    {
        var path = Path.Combine(_folder.FullName, name);
        if (before is not null)
        {
            await File.WriteAllTextAsync(path, "old");
            File.SetUnixFileMode(path, Mode(before));
        }

        var target = WriteTarget.Find(_folder.FullName, name, out var refusal);
        Assert.True(target is not null, refusal);
        Assert.Null(await target.WriteAsync("new", p => Path.GetFileName(p) is ".env" or "id_rsa", CancellationToken.None));

        Assert.Equal("new", await File.ReadAllTextAsync(path));
        Assert.Equal(after is null ? Usual() : Mode(after), File.GetUnixFileMode(path));
    }

    [Fact]
    public void From_a_folder_beneath_the_project_all_of_the_project_can_be_written_and_nothing_else()
    {
        var (project, folder) = (_folder.CreateSubdirectory("p").FullName, _folder.CreateSubdirectory("p/web").FullName);
        File.CreateSymbolicLink(Path.Combine(folder, "out"), _folder.FullName);
        foreach (var (path, real) in new[] { ("a", "p/web/a"), ("../b", "p/b"), (Path.Combine(project, "c"), "p/c") })
        {
            Assert.Equal(Path.Combine(_folder.FullName, real), WriteTarget.Find(folder, path, out _, project)?.Path);
        }

        foreach (var path in (string[])["../../a", "out/a", "/etc/a", "..", "../../p-other/a"])
        {
            Assert.Null(WriteTarget.Find(folder, path, out var refusal, project));
            Assert.Contains("outside the project", refusal, StringComparison.Ordinal);
        }

        Assert.Null(WriteTarget.Find(folder, "../b", out _)); // without a project the folder is all
    }

    /// <summary>As the umask has it.</summary>
    private UnixFileMode Usual()
    {
        var path = Path.Combine(_folder.FullName, "usual");
        File.WriteAllText(path, "");
        return File.GetUnixFileMode(path);
    }

    private static UnixFileMode Mode(string octal) => (UnixFileMode)Convert.ToInt32(octal, 8);
}

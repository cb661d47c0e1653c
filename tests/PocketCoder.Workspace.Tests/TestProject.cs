using System.Runtime.InteropServices;
using System.Text;
using PocketCoder.Processes;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Workspace.Beneath;
using PocketCoder.Workspace.Files;

namespace PocketCoder.Workspace.Tests;

/// <summary>A project with something secret beside it, in a folder of its own.</summary>
internal sealed partial class TestProject : IDisposable
{
    /// <summary>What nobody may ever see through the project.</summary>
    public const string Outside = "this lies outside of the project";

    /// <summary>The name of a file beside the project.</summary>
    public const string OutsideName = "only-outside.txt";

    public static readonly Guid Id = Guid.CreateVersion7();

    private readonly string _folder;

    public TestProject(bool walkOnly = false, string? under = null, string? ripgrep = null, string? state = null, TimeProvider? time = null)
    {
        _folder = Directory.CreateDirectory(
            System.IO.Path.Combine(under ?? System.IO.Path.GetTempPath(), $"pcw-{Guid.CreateVersion7():N}")).FullName;
        Path = Directory.CreateDirectory(In("project")).FullName;
        Directory.CreateDirectory(In("outside/deep"));
        File.WriteAllText(In("outside/secret.txt"), Outside);
        File.WriteAllText(In("outside/deep/secret.txt"), Outside);
        File.WriteAllText(In($"outside/{OutsideName}"), Outside);
        Options = new WorkspaceOptions(Path, state ?? In("state"))
        {
            WalkOnly = walkOnly,
            Ripgrep = ripgrep,
            Time = time ?? TimeProvider.System,
            IsSecret = p => System.IO.Path.GetFileName(p) is ".env" or "id_rsa",
        };
        Files = new ProjectFiles(Options);
    }

    public string Path { get; }

    public WorkspaceOptions Options { get; }

    public ProjectFiles Files { get; }

    public List<FileChange> Recorded { get; } = [];

    public string In(string path) => System.IO.Path.Combine(_folder, path);

    public string PathOf(string path) => System.IO.Path.Combine(Path, path);

    public string Add(string path, string content = "x")
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(PathOf(path))!);
        File.WriteAllText(PathOf(path), content);
        return path;
    }

    public void Link(string path, string target) => File.CreateSymbolicLink(PathOf(path), target);

    public ValueTask Record(FileChange change)
    {
        Recorded.Add(change);
        return ValueTask.CompletedTask;
    }

    public Task<FsWriteResponse> WriteAsync(string path, string content, string? expected = null, bool onlyNew = false, bool mkdirs = false)
        => Files.WriteAsync(new FsWriteRequest(Id, path, content, ExpectedEtag: expected, IfNoneMatch: onlyNew, Mkdirs: mkdirs), Record);

    public FsReadResponse Read(string path) => Files.Read(new FsReadRequest(Id, path));

    public Task<FsListResponse> ListAsync(string path = "", string? cursor = null, int limit = FileLimits.Entries)
        => Files.ListAsync(new FsListRequest(Id, path, cursor, limit), CancellationToken.None);

    public static async Task<WorkspaceException> RefusedAsync(Func<Task> work) => await Assert.ThrowsAsync<WorkspaceException>(work);

    public static WorkspaceException Refused(Action work) => Assert.Throws<WorkspaceException>(work);

    /// <summary>Runs a line of shell in the project.</summary>
    public Task ShellAsync(string line) => ShellAsync(Path, line);

    public static async Task<string> ShellAsync(string folder, string line)
    {
        var start = new ProcessStart
        {
            Program = "/bin/sh",
            Arguments = ["-c", line],
            WorkingDirectory = folder,
            Environment = new Dictionary<string, string>(StringComparer.Ordinal)
            { ["PATH"] = "/usr/bin:/bin:/usr/sbin:/sbin", ["GIT_CONFIG_NOSYSTEM"] = "1", ["HOME"] = "/nonexistent" },
        };
        var result = await CommandRun.RunAsync(start, Wait.Limit, 8 << 20, TimeProvider.System, CancellationToken.None);
        Assert.True(result.ExitCode == 0, result.Output);
        return result.Output;
    }

    /// <summary>
    /// Runs something as another user without any of root's rights: by the bare system calls, which change this thread alone. What runs
    /// must not leave it.
    /// </summary>
    public static void AsOrdinaryUser(Action work)
    {
        Exception? failed = null;
        var thread = new Thread(() =>
        {
            Assert.Equal(0, SetGroup(s_groupCall, Nobody, Nobody, 0));
            Assert.Equal(0, SetUser(s_userCall, Nobody, Nobody, 0));
            try
            {
                work();
            }
            catch (Exception e)
            {
                failed = e;
            }
            finally
            {
                _ = SetUser(s_userCall, 0, 0, 0);
                _ = SetGroup(s_groupCall, 0, 0, 0);
            }
        });
        thread.Start();
        thread.Join();
        if (failed is not null)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failed);
        }
    }

    public const int Nobody = 65534;

    public void Dispose()
    {
        DeleteAll(_folder);
    }

    public static void DeleteAll(string folder)
    {
        using var parent = Libc.Open(System.IO.Path.GetDirectoryName(folder)!, Libc.DirectoryOnly)!;
        // .NET can't name all that tests make
        Trees.Remove(parent, Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(System.IO.Path.GetFileName(folder))));
    }

    private static readonly nint s_userCall = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 147 : 117;
    private static readonly nint s_groupCall = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 149 : 119;

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial nint SetUser(nint number, nint real, nint effective, nint saved);

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial nint SetGroup(nint number, nint real, nint effective, nint saved);
}

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using PocketCoder.Processes;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Workspace.Files;

namespace PocketCoder.Workspace.Tests.Files;

/// <summary>This program, started once more as one that writes and uploads without end, and killed in the middle of it.</summary>
public sealed partial class CrashTests
{
    private const string ProjectVariable = "POCKETCODER_TEST_WRITER_PROJECT";
    private const string StateVariable = "POCKETCODER_TEST_WRITER_STATE";
    private const int Length = 400_000;

    private static byte[] Content(int round) => [.. Enumerable.Repeat((byte)('a' + (round % 2)), Length)];

    /// <summary>Runs before anything of the test runner's.</summary>
    [ModuleInitializer]
    internal static void BeTheWriterIfAsked()
    {
        if (Environment.GetEnvironmentVariable(ProjectVariable) is not { } path)
        {
            return;
        }

        var files = new ProjectFiles(new WorkspaceOptions(path, Environment.GetEnvironmentVariable(StateVariable)!));
        using var output = Console.OpenStandardOutput();
        for (var round = 0; ; round++)
        {
            var content = Content(round);
            Done(files.WriteAsync(new FsWriteRequest(Guid.Empty, "written.txt", new string((char)content[0], Length)), NoRecord));
            var id = Guid.CreateVersion7();
            Done(files.BeginUploadAsync(new FsUploadBeginRequest(
                Guid.Empty, id, "sub/uploaded.bin", Length, Convert.ToHexStringLower(SHA256.HashData(content)), Mkdirs: true)));
            Done(files.UploadAsync(new FsUploadChunkRequest(Guid.Empty, id, 0, Convert.ToBase64String(content))));
            Done(files.EndUploadAsync(new FsUploadEndRequest(Guid.Empty, id), NoRecord));
            output.WriteByte((byte)'\n');
            output.Flush();
        }

        static void Done(Task work) => work.GetAwaiter().GetResult();

        static ValueTask NoRecord(FileChange change) => ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Killed_at_any_moment_there_is_the_old_content_or_the_new_and_nothing_else_stays()
    {
        using var project = new TestProject();
        var random = new Random();
        for (var kill = 0; kill < 4; kill++)
        {
            var environment = new Dictionary<string, string>(StringComparer.Ordinal)
            {
                [ProjectVariable] = project.Path,
                [StateVariable] = project.Options.State,
                ["PATH"] = "/usr/bin:/bin",
                ["HOME"] = project.In("")
            };
            if (Environment.GetEnvironmentVariable("DOTNET_ROOT") is { } root)
            {
                environment["DOTNET_ROOT"] = root;
            }

            await using (var writer = OwnedProcess.Start(
                new ProcessStart { Program = Environment.ProcessPath!, WorkingDirectory = project.Path, Environment = environment },
                TimeProvider.System))
            {
                // After so many rounds it is in the middle of another one.
                using var limit = new CancellationTokenSource(Wait.Limit);
                await writer.StandardOutput.ReadExactlyAsync(new byte[1 + random.Next(8)], limit.Token);
                Assert.Equal(0, Signal(writer.Identity.Pid, 9));
                await writer.Exited.WaitAsync(Wait.Limit);
            }

            foreach (var path in (string[])["written.txt", "sub/uploaded.bin"])
            {
                var content = await File.ReadAllBytesAsync(project.PathOf(path));
                Assert.Equal(Length, content.Length);
                Assert.True(content.AsSpan().IndexOfAnyExcept(content[0]) < 0, $"{path} is half one and half the other");
            }
        }

        var next = new ProjectFiles(project.Options);
        await next.MakeDirectoryAsync(new FsMkdirRequest(TestProject.Id, "next"), project.Record);
        Assert.Empty(Directory.EnumerateFiles(project.Path, ".pocketcoder-*", SearchOption.AllDirectories));
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(project.Options.State, "notes")));
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Signal(int pid, int signal);
}

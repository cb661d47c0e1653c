using System.Text;
using PocketCoder.Workspace.Beneath;

namespace PocketCoder.Workspace.Tests.Beneath;

/// <summary>Somebody swaps a folder and a file for links to the outside as fast as possible, while they are read and written.</summary>
public sealed class SwapRaceTests
{
    private const int Reads = 50_000; // each way: 100,000 together
    private static readonly TimeSpan s_atMost = TimeSpan.FromSeconds(6);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task No_read_and_no_write_follows_what_was_swapped(bool walkOnly)
    {
        using var project = new TestProject(walkOnly);
        project.Add("real/secret.txt", "inside");
        project.Add("real/file.txt", "inside");
        project.Link("out", "../outside");
        project.Link("out-file", "../outside/secret.txt");
        Directory.Move(project.PathOf("real"), project.PathOf("folder"));
        using var stop = new CancellationTokenSource();
        var swapping = new Thread(() => Swap(project, stop.Token)) { IsBackground = true };
        swapping.Start();
        int leaks = 0, inside = 0, refused = 0;
        var outside = Encoding.UTF8.GetBytes(TestProject.Outside);
        var began = TimeProvider.System.GetTimestamp();
        using (var root = ProjectRoot.Open(project.Path, walkOnly: walkOnly))
        {
            var buffer = new byte[256];
            for (var i = 0; i < Reads && TimeProvider.System.GetElapsedTime(began) < s_atMost; i++)
            {
                try
                {
                    var path = ProjectPath.Parse(i % 2 == 0 ? "folder/secret.txt" : "swapped.txt");
                    using var node = root.TryFind(path, follow: true, out _);
                    using var file = node is { Stat.IsRegular: true } ? node.OpenFile() : null;
                    if (file is null)
                    {
                        refused++;
                        continue;
                    }

                    var content = buffer.AsSpan(0, RandomAccess.Read(file, buffer, 0));
                    leaks += content.SequenceEqual(outside) ? 1 : 0;
                    inside++;
                }
                catch (WorkspaceException)
                {
                    refused++;
                }
            }
        }

        for (var i = 0; i < 200; i++)
        {
            try
            {
                await project.WriteAsync(i % 2 == 0 ? "folder/secret.txt" : "folder/new.txt", $"written {i}");
            }
            catch (WorkspaceException)
            {
                refused++;
            }
        }

        await stop.CancelAsync();
        swapping.Join();
        TestContext.Current.TestOutputHelper?.WriteLine($"{inside} read inside, {refused} refused");
        Assert.Equal(0, leaks);
        Assert.True(inside > 0 && refused > 0, "the race never happened");
        Assert.Equal(TestProject.Outside, await File.ReadAllTextAsync(project.In("outside/secret.txt")));
        Assert.False(File.Exists(project.In("outside/new.txt")));
        Assert.Empty(Directory.EnumerateFiles(project.In("outside"), ".pocketcoder-*"));
    }

    private static void Swap(TestProject project, CancellationToken stop)
    {
        using var folder = Libc.Open(project.Path, Libc.DirectoryOnly)!;
        File.WriteAllText(project.PathOf("plain.txt"), "inside");
        while (!stop.IsCancellationRequested)
        {
            Libc.Rename(folder, "folder", folder, "aside");
            Libc.Rename(folder, "out", folder, "folder");
            Libc.Rename(folder, "folder", folder, "out");
            Libc.Rename(folder, "aside", folder, "folder");
            Libc.MakeLink(folder, "link", "../outside/secret.txt");
            Libc.Rename(folder, "link", folder, "swapped.txt");
            Libc.Rename(folder, "plain.txt", folder, "swapped.txt");
            using var again = Libc.Open(folder, "plain.txt", Libc.WriteOnly | Libc.Create, 0x180);
        }
    }
}

using PocketCoder.Agents.Shared;
using PocketCoder.Testing.Git;

namespace PocketCoder.Agents.Tests.Shared;

/// <summary>Where agents' tools may read, whatever way of links leads there, and whatever is swapped while it is read.</summary>
public sealed class ReadRulesTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pc-reads-");
    private readonly string _project;
    private readonly string _outside;
    private readonly string _own;
    private readonly string _attached;
    private readonly ReadRules _rules;

    public ReadRulesTests()
    {
        _project = _folder.CreateSubdirectory("project").FullName;
        _outside = _folder.CreateSubdirectory("outside").FullName;
        _own = _folder.CreateSubdirectory("own").FullName;
        _attached = _folder.CreateSubdirectory("own/attached/this").FullName;
        _folder.CreateSubdirectory("own/attached/other");
        foreach (var place in (string[])[_project, _outside, _own, _attached])
        {
            File.WriteAllText(Path.Combine(place, "file.txt"), place);
        }

        _rules = new ReadRules(
            new AgentStart
            {
                SessionId = Guid.Empty,
                WorkingDirectory = _project,
                AttachmentsDirectory = _attached,
                ClosedFolders = [_own]
            }, agentHome: _folder.FullName);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void From_a_folder_beneath_the_project_all_of_the_project_is_read_unasked_and_nothing_else()
    {
        var folder = Directory.CreateDirectory(Path.Combine(_project, "packages/web")).FullName;
        var rules = ReadRules.For(folder, _project);
        Assert.Equal(ReadPlace.Free, rules.Judge(".").Place);
        Assert.Equal(new ReadVerdict(ReadPlace.Free, Path.Combine(_project, "file.txt")), rules.Judge("../../file.txt"));
        Assert.Equal(new ReadVerdict(ReadPlace.Outside, Path.Combine(_outside, "file.txt")), rules.Judge("../../../outside/file.txt"));
        Assert.Equal(Path.Combine(_project, "file.txt"), rules.Beneath("../../file.txt"));
        Assert.Null(rules.Beneath("../../../outside/file.txt"));
        Assert.Equal(ReadPlace.Outside, ReadRules.For(folder).Judge("../../file.txt").Place); // without a project the folder is all
    }

    [Fact]
    public void Whatever_chain_of_links_leads_to_a_file_what_counts_is_where_it_ends()
    {
        var up = string.Concat(_project.Where(c => c == '/').Select(_ => "../")); // no class of .NET's that takes "link/.." away
        for (var seed = 1; seed <= 300; seed++)
        {
            var random = new Random(seed);
            var (target, place) = random.Next(3) switch
            {
                0 => (Path.Combine(_project, "file.txt"), ReadPlace.Free),
                1 => (Path.Combine(_outside, "file.txt"), ReadPlace.Outside),
                _ => (Path.Combine(_own, "file.txt"), ReadPlace.Closed),
            };
            var path = target;
            for (var step = 0; step < random.Next(1, 7); step++)
            {
                var link = Path.Combine(_project, $"l{seed}-{step}");
                switch (random.Next(4))
                {
                    case 0:
                        File.CreateSymbolicLink(link, path);
                        path = link;
                        break;
                    case 1:
                        File.CreateSymbolicLink(link, up + path[1..]);
                        path = link;
                        break;
                    case 2: // through a folder
                        var slash = path.LastIndexOf('/');
                        Directory.CreateSymbolicLink(link, path[..slash]);
                        path = link + path[slash..];
                        break;
                    default: // "link/.." is the parent of what the link leads to
                        Directory.CreateSymbolicLink(link, _outside);
                        path = $"{link}/..{path[_folder.FullName.Length..]}";
                        break;
                }
            }

            var asked = random.Next(2) == 0 ? path : up + path[1..];
            Assert.Equal((seed, place, target), (seed, _rules.Judge(asked).Place, _rules.Judge(asked).Real));
        }
    }

    [Fact]
    public async Task PocketCoders_own_files_are_closed_by_every_name_and_what_of_a_session_lies_there_is_not()
    {
        await File.WriteAllTextAsync(Path.Combine(_project, "one.txt"), "x");
        await Shell.RunAsync(_project, "ln ../own/file.txt hard.txt; ln one.txt two.txt");
        foreach (var path in (string[])[
            _own, $"{_own}/", $"{_own}/file.txt", $"{_own}/not-there.txt", "../own/file.txt", "hard.txt", "~/own/file.txt",
            "/proc/self/environ", "/proc/thread-self/environ",
            $"/proc/{Environment.ProcessId}/mem", $"/proc/self/root{_own}/file.txt",
            $"/proc/self/cwd/../../../../../../../../../../..{_own}/file.txt", $"{_own}/attached/other/x", $"{_own}/attached"])
        {
            Assert.Equal((path, ReadPlace.Closed), (path, _rules.Judge(path).Place));
        }

        foreach (var path in (string[])["file.txt", ".", "sub/not-there", "two.txt", $"{_attached}/file.txt"])
        {
            Assert.Equal((path, ReadPlace.Free), (path, _rules.Judge(path).Place));
        }

        // What searches a folder reads all beneath it.
        Assert.Equal(ReadPlace.Closed, _rules.Judge(_folder.FullName, tree: true).Place);
        Assert.Equal(ReadPlace.Closed, _rules.Judge("/", tree: true).Place);
        Assert.Equal(ReadPlace.Outside, _rules.Judge(_folder.FullName).Place);
        Assert.Equal(ReadPlace.Outside, _rules.Judge(_outside, tree: true).Place);
        Assert.Equal(ReadPlace.Free, _rules.Judge(".", tree: true).Place);

        // What the kernel reads and what a program reads that takes "link/.." away by its words: the worse counts.
        Directory.CreateDirectory(Path.Combine(_project, "sub/deep"));
        Directory.CreateSymbolicLink(Path.Combine(_project, "a"), "sub/deep");
        await File.WriteAllTextAsync(Path.Combine(_project, "sub/x"), "x");
        await File.WriteAllTextAsync(Path.Combine(_project, "sub/y"), "x");
        File.CreateSymbolicLink(Path.Combine(_project, "x"), Path.Combine(_outside, "file.txt"));
        File.CreateSymbolicLink(Path.Combine(_project, "y"), Path.Combine(_own, "file.txt"));
        Assert.Equal((ReadPlace.Outside, Path.Combine(_outside, "file.txt")), (_rules.Judge("a/../x").Place, _rules.Judge("a/../x").Real));
        Assert.Equal(ReadPlace.Closed, _rules.Judge("a/../y").Place);
        Assert.Equal(ReadPlace.Free, _rules.Judge("a/../file.txt").Place);

        // A project that holds them, and one within them (the demonstration's).
        var holding = new ReadRules(new AgentStart { SessionId = Guid.Empty, WorkingDirectory = _folder.FullName, ClosedFolders = [_own] });
        Assert.Equal((ReadPlace.Closed, ReadPlace.Free, ReadPlace.Closed),
            (holding.Judge("own/file.txt").Place, holding.Judge("outside/file.txt").Place, holding.Judge(".", tree: true).Place));
        var within = new ReadRules(new AgentStart
        { SessionId = Guid.Empty, WorkingDirectory = _folder.CreateSubdirectory("own/demo").FullName, ClosedFolders = [_own] });
        Assert.Equal((ReadPlace.Free, ReadPlace.Free, ReadPlace.Closed),
            (within.Judge("x").Place, within.Judge(".", tree: true).Place, within.Judge("../file.txt").Place));
    }

    [Fact]
    public async Task A_file_or_folder_that_is_swapped_for_a_link_while_it_is_read_never_gives_what_lies_outside()
    {
        var inside = Path.Combine(_project, "deep", "file.txt");
        Directory.CreateDirectory(Path.Combine(_project, "deep"));
        await File.WriteAllTextAsync(inside, "inside");
        await File.WriteAllTextAsync(Path.Combine(_project, "kept.txt"), "inside");
        await File.WriteAllTextAsync(Path.Combine(_outside, "file.txt"), "outside");
        using var stop = new CancellationTokenSource();
        var swaps = 0;
        var swapper = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                Directory.Move(Path.Combine(_project, "deep"), Path.Combine(_project, "away"));
                Directory.CreateSymbolicLink(Path.Combine(_project, "deep"), _outside);
                File.Delete(Path.Combine(_project, "deep"));
                File.CreateSymbolicLink(Path.Combine(_project, "away", "other"), Path.Combine(_outside, "file.txt"));
                File.Move(Path.Combine(_project, "away", "other"), Path.Combine(_project, "away", "file.txt"), overwrite: true);
                File.Copy(Path.Combine(_project, "kept.txt"), Path.Combine(_project, "away", "again"), overwrite: true);
                File.Move(Path.Combine(_project, "away", "again"), Path.Combine(_project, "away", "file.txt"), overwrite: true);
                Directory.Move(Path.Combine(_project, "away"), Path.Combine(_project, "deep"));
                Interlocked.Increment(ref swaps);
            }
        });
        var read = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < 20_000 || Volatile.Read(ref swaps) < 200; i++)
        {
            read.Add(TextFile.ReadPlain(inside) is { } file ? file.Text ?? "missing" : "refused");
        }

        await stop.CancelAsync();
        await swapper;
        Assert.DoesNotContain("outside", read);
        Assert.Contains("inside", read);
        Assert.Equal("inside", TextFile.ReadPlain(inside)!.Text);
    }
}

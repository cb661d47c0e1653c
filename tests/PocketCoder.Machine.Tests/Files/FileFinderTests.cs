using PocketCoder.Machine.Files;
using PocketCoder.Processes;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Files;

/// <summary>Completion of file names.</summary>
public sealed class FileFinderTests
{
    private static async Task<FilesFindResponse> FindAsync(TestDevice device, Guid project, string query, int limit = 50)
        => await device.AskAsync(
        MessageTypes.FilesFind, new FilesFindRequest(project, query, limit), ProtocolJson.Default.FilesFindRequest,
        ProtocolJson.Default.FilesFindResponse);

    private static async Task RunAsync(string folder, string command)
    {
        var start = new ProcessStart
        {
            Program = "/bin/sh",
            Arguments = ["-c", command],
            WorkingDirectory = folder,
            Environment = new Dictionary<string, string>(StringComparer.Ordinal) { ["PATH"] = "/usr/bin:/bin" },
        };
        Assert.Equal(
            0, (await CommandRun.RunAsync(start, Wait.Limit, 4096, TimeProvider.System, CancellationToken.None)).ExitCode);
    }

    [Fact]
    public async Task Files_are_found_by_git_s_rules_without_following_links_or_showing_strange_names()
    {
        await using var daemon = await TestDaemon.StartAsync(new ManualTime()); // its two seconds never pass
        await using var phone = await daemon.PhoneAsync("viewer", Scope.View);
        Directory.CreateDirectory(phone.PathOf("src/deep"));
        Directory.CreateDirectory(phone.PathOf("build"));
        Directory.CreateDirectory(phone.PathOf("nested"));
        await File.WriteAllTextAsync(phone.PathOf(".gitignore"), "build/\n*.log\n");
        string[] shown = ["src/deep/Parser.cs", "src/a file.cs", "nested/inner.cs", "日本.cs"];
        foreach (var name in (string[])[.. shown, "build/out.cs", "cs.log", "new\nline.cs", "bidi\u202Ecs.exe.cs"])
        {
            await File.WriteAllTextAsync(phone.PathOf(name), "x");
        }

        await RunAsync(phone.Project.Path, "printf x > \"$(printf 'bad\\377.cs')\"; git init -q nested");

        File.CreateSymbolicLink(phone.PathOf("outside"), "/etc");
        var found = await FindAsync(phone.Device, phone.Project.ProjectId, ".cs");
        await RunAsync(phone.Project.Path, "rm bad*"); // .NET can't name it, nor take it away
        Assert.Equal([.. shown.Order(StringComparer.Ordinal)], found.Paths.Order(StringComparer.Ordinal));
        Assert.False(found.Partial);
        Assert.Equal("src/deep/Parser.cs", (await FindAsync(phone.Device, phone.Project.ProjectId, "@pars")).Paths[0]);
        Assert.Equal("src/deep/Parser.cs", (await FindAsync(phone.Device, phone.Project.ProjectId, "sdpar")).Paths[0]);
        Assert.DoesNotContain((await FindAsync(phone.Device, phone.Project.ProjectId, "")).Paths,
            p => p.Contains("HEAD", StringComparison.Ordinal) || p.StartsWith("outside/", StringComparison.Ordinal));
        Assert.Single((await FindAsync(phone.Device, phone.Project.ProjectId, "cs", 1)).Paths);
        Assert.Equal(ErrorCode.InvalidRequest,
            (await Assert.ThrowsAsync<WireErrorException>(() => FindAsync(phone.Device, phone.Project.ProjectId, "", 51))).Error.Code);
        Assert.Equal(ErrorCode.ProjectNotFound,
            (await Assert.ThrowsAsync<WireErrorException>(() => FindAsync(phone.Device, Guid.CreateVersion7(), ""))).Error.Code);
    }

    [Fact]
    public void The_best_come_first()
    {
        string[] paths = ["docs/api-session.md", "src/session/index.ts", "src/Session.ts", "src/SessionActor.cs",
            "tests/old/supersession.cs", "src/other.ts"];
        Assert.Equal(["src/Session.ts", "src/SessionActor.cs", "docs/api-session.md", "tests/old/supersession.cs", "src/session/index.ts"],
            FileRanking.Best(paths, "session", 10));
        Assert.Equal(["src/session/index.ts"], FileRanking.Best(paths, "session/i", 10));
        Assert.Equal(["src/other.ts", "src/Session.ts"], FileRanking.Best(["src/other.ts", "src/Session.ts", "a/b/c.ts"], "", 2));
    }

    [Fact]
    public void No_query_makes_the_ranking_throw_or_find_what_is_not_there()
    {
        var seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        const string Alphabet = "aB/._- \u00e9\ud83d\ude00@\\";
        string Text(int most) => new([.. Enumerable.Range(0, random.Next(most)).Select(_ => Alphabet[random.Next(Alphabet.Length)])]);
        for (var i = 0; i < 5000; i++)
        {
            var paths = Enumerable.Range(0, 8).Select(_ => Text(12)).Distinct().ToList();
            var best = FileRanking.Best(paths, Text(6), 5);
            Assert.True(best.Count <= 5 && best.All(paths.Contains) && best.Distinct().Count() == best.Count);
        }
    }
}

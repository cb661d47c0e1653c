using System.Text;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.Tests.Shared;

public sealed class SharedTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pocketcoder-test-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void A_path_leads_where_the_kernel_would_go()
    {
        var root = _folder.CreateSubdirectory("root").FullName;
        var outside = _folder.CreateSubdirectory("outside/deep").FullName;
        Directory.CreateSymbolicLink(Path.Combine(root, "door"), outside);
        Directory.CreateSymbolicLink(Path.Combine(root, "self"), ".");
        File.CreateSymbolicLink(Path.Combine(root, "loop"), "loop");
        File.CreateSymbolicLink(Path.Combine(root, "dangling"), "../outside/new.txt");

        Assert.Equal(Path.Combine(root, "a/b"), ConfinedPath.ResolveBeneath(root, "a/./c/../b"));
        Assert.Equal(Path.Combine(root, "a"), ConfinedPath.ResolveBeneath(root, "self/self/a"));
        Assert.Equal(Path.Combine(_folder.FullName, "outside/x"), ConfinedPath.Resolve(root, "door/../x")); // not root/x
        foreach (var escape in new[] { "..", "../x", "door/x", "door/../x", "loop", "dangling", "/etc/passwd", "", "a\0b", ".", "self",
            $"{root}x/y", "a/../../root2" })
        {
            Assert.Null(ConfinedPath.ResolveBeneath(root, escape));
        }
    }

    [Fact]
    public async Task Lines_come_out_as_they_went_in_however_they_are_cut()
    {
        for (var seed = 1; seed <= 100; seed++)
        {
            var random = new Random(seed);
            var lines = Enumerable.Range(0, random.Next(0, 20)).Select(_ => new string((char)random.Next('a', 'z'), random.Next(0, 40_000)))
                .ToList();
            await using var stream = new Dribble(Encoding.ASCII.GetBytes(string.Concat(lines.Select(l => l + "\n")) + "tail"), random);
            var reader = new LineReader(stream, 50_000);
            var read = new List<string>();
            while (await reader.ReadAsync(CancellationToken.None) is { } line)
            {
                read.Add(Encoding.ASCII.GetString(line.Span));
            }

            Assert.True(lines.Append("tail").SequenceEqual(read), $"seed {seed}");
            Assert.Null(await reader.ReadAsync(CancellationToken.None));
        }
    }

    [Fact]
    public async Task A_line_over_the_bound_is_refused_with_and_without_its_end()
    {
        foreach (var end in new[] { "\n", "" })
        {
            await using var stream = new MemoryStream(Encoding.ASCII.GetBytes(new string('x', 1001) + end));
            await Assert.ThrowsAsync<LineTooLongException>(
                async () => await new LineReader(stream, 1000).ReadAsync(CancellationToken.None));
        }
    }

    [Fact]
    public void Secrets_are_hidden_by_the_environment_and_by_their_looks()
    {
        var environment = new Dictionary<string, string>
        { ["ANTHROPIC_AUTH_TOKEN"] = "hunter2hunter2", ["HTTPS_PROXY"] = "http://me:pass@proxy:1", ["LANG"] = "C.UTF-8" };
        Assert.Equal(
            "[secret] [secret] Bearer [secret] http://[secret]@proxy:1 C.UTF-8",
            Redaction.Redact("hunter2hunter2 sk-ant-abcdef Bearer abc.def http://me:pass@proxy:1 C.UTF-8", environment));
    }

    [Fact]
    public void Cutting_text_never_splits_a_character()
    {
        var text = string.Concat(Enumerable.Repeat("👩", 100));
        for (var limit = 2; limit < 60; limit++)
        {
            var cut = BoundedText.HeadAndTail(text, limit);
            Assert.Equal(cut, Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(cut)));
            Assert.Contains("left out", cut, StringComparison.Ordinal);
        }

        Assert.Equal("one …", BoundedText.OneLine("  one\r\ntwo"));
        Assert.Equal(201, BoundedText.OneLine(new string('x', 300)).Length);
    }

    /// <summary>Gives its bytes in pieces of any size.</summary>
    private sealed class Dribble(byte[] bytes, Random random) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
            => base.ReadAsync(buffer[..random.Next(1, buffer.Length + 1)], cancellationToken);
    }
}

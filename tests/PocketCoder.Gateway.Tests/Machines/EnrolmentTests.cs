using System.Runtime.Versioning;
using System.Text.Json.Nodes;
using PocketCoder.Gateway.Relay.Machines;
using PocketCoder.Testing;

namespace PocketCoder.Gateway.Tests.Machines;

[UnsupportedOSPlatform("windows")]
public sealed class EnrolmentTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pocketcoder-test-");
    private readonly ManualTime _time = new();

    private static CancellationToken None => CancellationToken.None;

    private string File_ => Path.Combine(_folder.FullName, "machines.json");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_code_takes_in_one_machine_once()
    {
        var enrolments = new Enrolments(File_, _time);
        var code = await enrolments.NewCodeAsync(None);
        Assert.Equal(24, code.Length);
        Assert.DoesNotContain(code, System.IO.File.ReadAllText(File_), StringComparison.Ordinal);
        Assert.False(await enrolments.TryEnrolAsync(code[1..] + "x", "m1", "key", "desk", None));

        // By another process, and as people type it.
        var typed = string.Join('-', code.ToUpperInvariant().Chunk(4).Select(c => new string(c)));
        Assert.True(await new Enrolments(File_, _time).TryEnrolAsync(typed, "m1", "key", "desk", None));
        Assert.False(await enrolments.TryEnrolAsync(code, "m2", "key", "other", None));
        Assert.Equal(("m1", "key", "desk"), Assert.Single(enrolments.Machines) is var m ? (m.MachineId, m.SigningKey, m.Label) : default);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, new FileInfo(File_).UnixFileMode);

        Assert.True(await enrolments.RemoveAsync("m1", None));
        Assert.False(await enrolments.RemoveAsync("m1", None));
        Assert.Null(enrolments.Find("m1"));
    }

    [Fact]
    public async Task A_code_ends_and_a_clock_that_was_set_back_does_not_bring_it_back()
    {
        var enrolments = new Enrolments(File_, _time);
        var code = await enrolments.NewCodeAsync(None);
        _time.JumpWall(-TimeSpan.FromDays(1));
        Assert.False(await enrolments.TryEnrolAsync(code, "m1", "key", "desk", None));
        _time.JumpWall(TimeSpan.FromDays(1));
        code = await enrolments.NewCodeAsync(None);
        _time.Advance(Enrolments.CodeLife);
        Assert.False(await enrolments.TryEnrolAsync(code, "m1", "key", "desk", None));
        Assert.Empty(enrolments.Machines);
    }

    [Fact]
    public async Task A_machine_that_is_known_keeps_its_key()
    {
        var enrolments = new Enrolments(File_, _time);
        Assert.True(await enrolments.TryEnrolAsync(await enrolments.NewCodeAsync(None), "m1", "key", "desk", None));
        var code = await enrolments.NewCodeAsync(None);
        Assert.False(await enrolments.TryEnrolAsync(code, "m1", "another key", "desk", None));
        Assert.True(await enrolments.TryEnrolAsync(code, "m1", "key", "renamed", None)); // the code was not used up
        Assert.Equal(("key", "renamed"), Assert.Single(enrolments.Machines) is var m ? (m.SigningKey, m.Label) : default);
    }

    [Fact]
    public async Task There_are_bounds()
    {
        var enrolments = new Enrolments(File_, _time);
        for (var i = 0; i < Enrolments.MostCodes; i++)
        {
            await enrolments.NewCodeAsync(None);
        }

        Assert.Equal(RefusalReason.TooMany, (await Assert.ThrowsAsync<GatewayRefusal>(() => enrolments.NewCodeAsync(None))).Reason);
        _time.Advance(Enrolments.CodeLife);
        await enrolments.NewCodeAsync(None);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("""{"v":1}""")]
    [InlineData("""{"v":2,"machines":[],"codes":[]}""")]
    [InlineData("""{"v":1,"machines":[null],"codes":[]}""")]
    [InlineData("""{"v":1,"machines":null,"codes":[]}""")]
    public async Task A_damaged_file_is_refused_and_stays_as_it_is(string content)
    {
        System.IO.File.WriteAllText(File_, content);
        System.IO.File.SetUnixFileMode(File_, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var enrolments = new Enrolments(File_, _time);
        Assert.Equal(RefusalReason.Files, Assert.Throws<GatewayRefusal>(() => enrolments.Machines.Count(m => m.Label != null)).Reason);
        Assert.Equal(RefusalReason.Files, (await Assert.ThrowsAsync<GatewayRefusal>(() => enrolments.NewCodeAsync(None))).Reason);
        Assert.Equal(content, System.IO.File.ReadAllText(File_));
    }

    [Fact]
    public async Task A_file_that_others_can_reach_is_refused()
    {
        var enrolments = new Enrolments(File_, _time);
        await enrolments.NewCodeAsync(None);
        System.IO.File.SetUnixFileMode(File_, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        Assert.Contains("chmod 600", Assert.Throws<GatewayRefusal>(() => enrolments.Find("m1")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Changes_of_many_at_once_are_all_there()
    {
        var codes = new Enrolments(File_, _time);
        var all = new List<string>();
        for (var i = 0; i < Enrolments.MostCodes; i++)
        {
            all.Add(await codes.NewCodeAsync(None));
        }

        await Task.WhenAll(all.Select((code, i) => Task.Run(
            async () => Assert.True(await new Enrolments(File_, _time).TryEnrolAsync(code, $"m{i}", "key", $"m{i}", None)))));
        Assert.Equal(all.Count, codes.Machines.Count);
        Assert.Empty(JsonNode.Parse(System.IO.File.ReadAllText(File_))!["codes"]!.AsArray());
    }
}

namespace PocketCoder.Cli.Tests;

/// <summary>
/// What the checkup says of the sandboxes, and what breaking out of them gives. On a machine without any the tests say so.
/// </summary>
[Trait("Category", "Slow")]
public sealed class AttackTests
{
    [Fact]
    public async Task As_who_we_are_the_sandbox_is_attacked_and_nothing_is_left_behind()
    {
        await using var home = new CliHome();
        await AttackAsync(home);
    }

    internal static async Task AttackAsync(CliHome home)
    {
        // A folder of its own for all that is made, so that what is left is seen.
        var scratch = Directory.CreateDirectory(Path.Combine(home.Folder, "t"), (UnixFileMode)Convert.ToInt32("777", 8)).FullName;
        File.SetUnixFileMode(scratch, (UnixFileMode)Convert.ToInt32("777", 8));
        File.SetUnixFileMode(home.Folder, (UnixFileMode)Convert.ToInt32("755", 8));
        home.Environment["TMPDIR"] = scratch;
        var checks = (await home.RunAsync("doctor", "--json")).Succeeded().Json;
        var bubblewrap = checks.EnumerateArray().Single(c => c.GetProperty("name").GetString() == "bubblewrap");
        Assert.SkipWhen(bubblewrap.GetProperty("found").GetString() == "can't be used",
            $"bubblewrap can't be used here: {bubblewrap.GetProperty("advice")}");
        Assert.Equal("none", bubblewrap.GetProperty("facts").GetProperty("inside.descriptors").GetString());

        var ran = (await home.RunAsync("doctor", "--attack", "--sandbox", "bubblewrap", "--json")).Succeeded().Json;
        Assert.Equal("bubblewrap", ran.GetProperty("sandbox").GetString());
        Assert.True(ran.GetProperty("held").GetInt32() >= 45, ran.ToString());
        Assert.Equal(0, ran.GetProperty("broken").GetInt32());
        Assert.All(ran.GetProperty("attacks").EnumerateArray(),
            a => Assert.Contains(a.GetProperty("verdict").GetString(), (string[])["held", "not_run"]));
        Assert.Empty(Directory.EnumerateFileSystemEntries(scratch));
    }
}

using System.Text.Json;

namespace PocketCoder.Cli.Tests;

/// <summary><c>add</c>, <c>remove</c>, <c>projects</c>.</summary>
public sealed class ProjectTests
{
    [Fact]
    public async Task A_folder_becomes_a_project_once_by_its_real_path_and_goes_again()
    {
        await using var home = new CliHome();
        await home.StartAsync();
        var folder = Directory.CreateDirectory(Path.Combine(home.Work, "shop")).FullName;
        File.CreateSymbolicLink(Path.Combine(home.Work, "link"), folder);

        Assert.Equal($"Added shop  {folder}\n", (await home.RunAsync("add", "shop")).Succeeded().Out);
        Assert.Equal($"Already added: shop  {folder}\n", (await home.RunAsync("add", "link")).Succeeded().Out);
        Assert.False((await home.AskAsync("add", folder, "--name", "other")).GetProperty("added").GetBoolean());
        Assert.Equal(["demo", "shop"], (await NamesAsync(home)).Order(StringComparer.Ordinal));
        Assert.Contains(folder, (await home.RunAsync("projects")).Succeeded().Out, StringComparison.Ordinal);

        Assert.StartsWith("Removed shop.", (await home.RunAsync("remove", "./link")).Succeeded().Out, StringComparison.Ordinal);
        Assert.Equal(["demo"], await NamesAsync(home));
        Assert.True(Directory.Exists(folder));
        Assert.Contains("No such project", (await home.RunAsync("remove", "shop")).Ended(1).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_project_is_called_otherwise_and_its_folder_is_not()
    {
        await using var home = new CliHome();
        await home.StartAsync();
        var folder = Directory.CreateDirectory(Path.Combine(home.Work, "shop")).FullName;
        (await home.RunAsync("add", "shop")).Succeeded();
        Assert.Equal(
            $"Renamed to Shop front  {folder}\n", (await home.RunAsync("project", "rename", "shop", "Shop front")).Succeeded().Out);
        Assert.Equal("Store", (await home.AskAsync("project", "rename", folder, "Store"))[0].GetProperty("name").GetString());
        Assert.Equal(["Store", "demo"], (await NamesAsync(home)).Order(StringComparer.Ordinal));
        Assert.Contains(
            "No such project", (await home.RunAsync("project", "rename", "shop", "x")).Ended(1).Error, StringComparison.Ordinal);
        Assert.Contains("1 to 100", (await home.RunAsync("project", "rename", "Store", "a\u202eb")).Ended(2).Error, StringComparison.Ordinal);
        Assert.True(Directory.Exists(folder));
    }

    [Fact]
    public async Task A_project_is_removed_by_name_id_or_beginning_of_an_id_and_never_by_a_guess()
    {
        await using var home = new CliHome();
        await home.StartAsync();
        foreach (var folder in (string[])["one/same", "two/same", "three"])
        {
            Directory.CreateDirectory(Path.Combine(home.Work, folder));
            (await home.RunAsync("add", folder)).Succeeded();
        }

        Assert.Contains("Give the full id", (await home.RunAsync("remove", "same")).Ended(1).Error, StringComparison.Ordinal);
        var all = (await home.AskAsync("projects")).EnumerateArray().ToList();
        var id = all.First(p => p.GetProperty("path").GetString()!.EndsWith("two/same", StringComparison.Ordinal)).GetProperty("projectId")
            .GetString()!;
        Assert.Equal(id, (await home.AskAsync("remove", id))[0].GetProperty("projectId").GetString());
        Assert.Equal("three", (await home.AskAsync("remove", "three"))[0].GetProperty("name").GetString());
        // too short to count as a beginning
        Assert.Contains("No such project", (await home.RunAsync("remove", "01a")).Ended(1).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_owner_says_beneath_which_folders_devices_may_add_projects()
    {
        await using var home = new CliHome();
        var user = Directory.CreateDirectory(Path.Combine(home.Folder, "users", "ada")).FullName;
        home.Environment["HOME"] = user;
        await home.StartAsync();
        var code = Directory.CreateDirectory(Path.Combine(home.Work, "code")).FullName;
        Assert.Equal($"{user}\n", (await home.RunAsync("roots", "list")).Succeeded().Out);
        Assert.EndsWith($"beneath {code}\n", (await home.RunAsync("roots", "add", "code")).Succeeded().Out, StringComparison.Ordinal);
        Assert.Equal(user, (await home.AskAsync("roots", "remove", user))[0].GetString());
        Assert.Equal([code], (await home.AskAsync("roots", "list")).EnumerateArray().Select(r => r.GetString()));
        Assert.Contains("is no root", (await home.RunAsync("roots", "remove", user)).Ended(1).Error, StringComparison.Ordinal);
        Assert.Contains("whole file system", (await home.RunAsync("roots", "add", "/")).Ended(2).Error, StringComparison.Ordinal);
        (await home.RunAsync("roots", "remove", code)).Succeeded();
        Assert.StartsWith("None:", (await home.RunAsync("roots", "list")).Succeeded().Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_a_mistake_is_refused_and_force_says_that_it_is_none()
    {
        await using var home = new CliHome();
        var user = Directory.CreateDirectory(Path.Combine(home.Folder, "users", "ada")).FullName;
        home.Environment["HOME"] = user;
        await home.StartAsync();
        await File.WriteAllTextAsync(Path.Combine(home.Work, "file.txt"), "");

        foreach (var (path, why) in ((string, string)[])[
            ("/", "the whole file system"),
            (user, "your home directory"),
            (Path.GetDirectoryName(user)!, "your home directory"),
            (home.Root, "PocketCoder's own keys"),
            (home.Home.Tls, "PocketCoder's own keys"),
            ("file.txt", "is a file"),
            ("missing", "No such directory")])
        {
            var refused = (await home.RunAsync("add", path)).Ended(path is "file.txt" or "missing" ? ExitCode.Failure : ExitCode.Usage);
            Assert.Contains(why, refused.Error, StringComparison.Ordinal);
            Assert.Equal("", refused.Out);
        }

        Assert.Equal("INVALID_REQUEST", (await home.RunAsync("add", "/", "--json")).Ended(2).ErrorJson.GetProperty("code").GetString());
        Assert.Equal(["demo"], await NamesAsync(home));
        Assert.Equal("ada", (await home.AskAsync("add", user, "--force")).GetProperty("project").GetProperty("name").GetString());
    }

    [Fact]
    public async Task A_folder_that_went_away_is_shown_as_missing_and_a_hostile_name_is_shown_escaped()
    {
        await using var home = new CliHome();
        await home.StartAsync();
        var hostile = Directory.CreateDirectory(Path.Combine(home.Work, "evil\u001b[2J\u202egpj")).FullName;
        (await home.RunAsync("add", hostile)).Succeeded();
        Directory.Delete(hostile);

        foreach (var command in (string[])["projects", "status"])
        {
            var shown = (await home.RunAsync(command)).Succeeded().Out;
            Assert.Contains(@"evil\u{1b}[2J\u{202e}gpj", shown, StringComparison.Ordinal);
            Assert.Contains("(missing)", shown, StringComparison.Ordinal);
            Assert.DoesNotContain('\u001b', shown);
            Assert.DoesNotContain('\u202e', shown);
        }
    }

    private static async Task<IEnumerable<string>> NamesAsync(CliHome home)
        => (await home.AskAsync("projects")).EnumerateArray().Select(p => p.GetProperty("name").GetString()!);
}

using System.Text;
using PocketCoder.Machine.Projects;
using PocketCoder.Platform;

namespace PocketCoder.Machine;

/// <summary>The demonstration's sample project.</summary>
internal static class DemoProject
{
    private const string Config = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n";

    /// <summary>Registers it; a new one gets a readme and an empty git repository, so that Git has something to show.</summary>
    public static async Task AddAsync(Home home, ProjectStore projects)
    {
        var readme = Path.Combine(home.Demo, "README.md");
        if (!File.Exists(readme))
        {
            PrivateFile.Replace(readme, Encoding.UTF8.GetBytes(DemoText.Readme));
            MakeRepository(Path.Combine(home.Demo, ".git"));
        }

        await projects.AddAsync(home.Demo, "demo");
    }

    /// <summary>What <c>git init</c> makes (gitrepository-layout(5)), without starting git: it may not be installed.</summary>
    private static void MakeRepository(string git)
    {
        if (Directory.Exists(git))
        {
            return;
        }

        foreach (var folder in (string[])["", "objects", "objects/info", "objects/pack", "refs", "refs/heads", "refs/tags", "info"])
        {
            PrivateFolder.Make(Path.Combine(git, folder)); // each level: a parent that is made on the way would be open
        }

        PrivateFile.Replace(Path.Combine(git, "config"), Encoding.UTF8.GetBytes(Config));
        PrivateFile.Replace(Path.Combine(git, "HEAD"), "ref: refs/heads/main\n"u8.ToArray());
    }
}

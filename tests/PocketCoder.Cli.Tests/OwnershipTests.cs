using PocketCoder.Protocol;
using PocketCoder.Testing;

namespace PocketCoder.Cli.Tests;

/// <summary>Who may touch what: modes of the files, other users, and the whole story as an ordinary user.</summary>
public sealed class OwnershipTests
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    [Fact]
    public async Task Everything_in_the_home_is_the_owners_alone_whatever_the_umask()
    {
        await using var home = new CliHome();
        (await home.RunAsync("tls", "init")).Succeeded();
        await using (var shell = RunningProgram.Start("/bin/sh", ["-c", "umask 000; exec \"$@\"", "sh", CliHome.Built, "start", "--demo",
            "--no-tls", "--listen", home.Listen], home.Environment, home.Work))
        {
            (await shell.EndAsync()).Succeeded();
        }

        (await home.RunAsync("machine", "label", "box")).Succeeded();
        (await home.FeedAsync("secret-of-mine", "feishu", "config", "--app-id", "cli_a", "--off")).Succeeded();
        Assert.True(File.Exists(home.Home.Feishu));
        await using (var phone = await home.PairAsync())
        {
            await phone.PromptAsync("hello");
        }

        CheckModes(home);
        (await home.RunAsync("stop")).Succeeded();
        CheckModes(home);
    }

    [Fact]
    public async Task A_home_that_others_could_read_is_closed_at_the_next_start()
    {
        await using var home = new CliHome();
        Directory.CreateDirectory(home.Root, Private | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute
            | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);

        await home.StartDetachedAsync();

        CheckModes(home);
    }

    [Fact]
    public async Task Another_user_reaches_neither_the_control_socket_nor_the_home()
    {
        await using var other = await OtherUser.CreateAsync();
        await using var home = new CliHome(other.Program);
        other.MayEnter(home.Folder);
        await home.StartDetachedAsync();
        await using var stranger = new CliHome(other.Program, other.Before);
        stranger.Environment["POCKETCODER_HOME"] = home.Root;

        foreach (var command in (string[][])[["status"], ["stop"], ["pair", "--no-wait"], ["devices", "list"], ["ledger", "show"],
            ["feishu", "status"], ["feishu", "config", "--off"], ["feishu", "pair"]])
        {
            Assert.NotEqual(0, (await stranger.RunAsync(command)).Code);
        }

        Assert.Contains("belongs to another user", (await stranger.RunAsync("start", "--demo", "--listen", stranger.Listen)).Ended(1).Error,
            StringComparison.Ordinal);

        // Even with the directory open, the socket itself is closed to others.
        File.SetUnixFileMode(home.Root, Private | UnixFileMode.UserExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        Assert.Contains("belongs to another user", (await stranger.RunAsync("status")).Ended(1).Error, StringComparison.Ordinal);
        Assert.Contains("belongs to another user", (await stranger.RunAsync("stop")).Ended(1).Error, StringComparison.Ordinal);
        (await home.RunAsync("status")).Succeeded();
    }

    [Fact]
    public async Task An_ordinary_user_starts_pairs_prompts_and_stops()
    {
        await using var user = await OtherUser.CreateAsync();
        await using var home = new CliHome(user.Program, user.Before);
        await user.GiveAsync(home.Folder);

        await home.StartDetachedAsync();
        await using (var phone = await home.PairAsync())
        {
            await phone.PromptAsync("run: id -u > who.txt", DecisionVerdict.Allow);

            // git runs in a sandbox of the same user's, and what it makes is the user's.
            await user.RunAsync("/bin/sh", "-ec",
                $"cd '{home.Home.Demo}'; git init -q -b main; git config user.name Ada; git config user.email ada@example.org");
            var project = (await phone.AskAsync(MessageTypes.MachineState, new MachineStateRequest(),
                ProtocolJson.Default.MachineStateRequest, ProtocolJson.Default.MachineStateResponse)).Projects[0].ProjectId;
            var status = await phone.AskAsync(MessageTypes.GitStatus, new GitStatusRequest(project), ProtocolJson.Default.GitStatusRequest,
                ProtocolJson.Default.GitStatusResponse);
            Assert.True(status.Sandboxed);
            Assert.Contains("who.txt", status.Untracked.Select(c => c.Path));
            await phone.AskAsync(MessageTypes.GitStage, new GitStageRequest(project, ["who.txt"]), ProtocolJson.Default.GitStageRequest,
                ProtocolJson.Default.GitStageResponse);
            var commit = await phone.AskAsync(MessageTypes.GitCommit, new GitCommitRequest(project, "by an ordinary user"),
                ProtocolJson.Default.GitCommitRequest, ProtocolJson.Default.GitCommitResponse);
            Assert.Equal(user.Id, await OtherUser.OwnerAsync(
                Path.Combine(home.Home.Demo, ".git/objects", commit.Sha[..2], commit.Sha[2..])));
        }

        // In its sandbox it is somebody else; what it leaves is the user's.
        var made = Path.Combine(home.Home.Demo, "who.txt");
        Assert.Equal("1000", (await File.ReadAllTextAsync(made)).Trim());
        Assert.Equal(user.Id, await OtherUser.OwnerAsync(made));
        Assert.DoesNotContain("root", (await home.RunAsync("status")).Succeeded().Out, StringComparison.Ordinal);
        (await home.RunAsync("doctor")).Succeeded();
        Assert.True((await home.AskAsync("ledger", "verify")).GetProperty("intact").GetBoolean());
        Assert.True((await home.AskAsync("stop")).GetProperty("wasRunning").GetBoolean());
    }

    [Fact]
    public async Task An_ordinary_user_whose_home_can_not_be_written_or_has_files_of_another_is_told_so_by_start_and_doctor()
    {
        await using var user = await OtherUser.CreateAsync();
        await using var home = new CliHome(user.Program, user.Before);
        await user.GiveAsync(home.Folder);
        await home.StartDetachedAsync();
        (await home.RunAsync("stop")).Succeeded();

        // Started once with sudo: files of root's in the user's home.
        await user.TakeAsync(home.Home.Database);
        await RefusedAsync(home, home.Home.Database, "chown");
        await user.GiveAsync(home.Home.Database);
        await user.TakeAsync(home.Home.MachineKey);
        await RefusedAsync(home, home.Home.MachineKey, "chown");
        await user.GiveAsync(home.Home.MachineKey);

        File.SetUnixFileMode(home.Root, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        await RefusedAsync(home, home.Root, "can't be written");
        File.SetUnixFileMode(home.Root, Private | UnixFileMode.UserExecute);
        await home.StartDetachedAsync();
    }

    private static async Task RefusedAsync(CliHome home, params string[] told)
    {
        var refused = (await home.RunAsync("start", "--demo", "--listen", home.Listen)).Ended(1);
        Assert.Single(refused.Error.TrimEnd().Split('\n'));
        var doctor = (await home.RunAsync("doctor")).Ended(1).Out;
        Assert.All(told, words => Assert.Contains(words, refused.Error, StringComparison.Ordinal));
        Assert.All(told, words => Assert.Contains(words, doctor, StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_ordinary_user_is_told_what_is_isolated_and_attacks_it()
    {
        await using var user = await OtherUser.CreateAsync();
        await using var home = new CliHome(user.Program, user.Before);
        await user.GiveAsync(home.Folder);
        await AttackTests.AttackAsync(home);
    }

    private static void CheckModes(CliHome home)
    {
        Assert.Equal(Private | UnixFileMode.UserExecute, File.GetUnixFileMode(home.Root));
        foreach (var path in Directory.EnumerateFileSystemEntries(home.Root, "*", SearchOption.AllDirectories))
        {
            // What agents and the person's commands make in the demo project has the modes they give it.
            if (Path.GetDirectoryName(path) != home.Home.Demo || Path.GetFileName(path) == "README.md")
            {
                var wanted = Directory.Exists(path) ? Private | UnixFileMode.UserExecute : Private;
                Assert.True(File.GetUnixFileMode(path) == wanted, $"{path} is {File.GetUnixFileMode(path)}");
            }
        }
    }

    /// <summary>A user of this machine for one test, and a copy of the program that it may read. Only root can make one.</summary>
    private sealed class OtherUser : IAsyncDisposable
    {
        private static readonly Dictionary<string, string?> s_environment = new(StringComparer.Ordinal);
        private readonly string _name;
        private readonly string _folder;

        private OtherUser(string name, string id, string folder) => (_name, Id, _folder) = (name, id, folder);

        public string Id { get; }

        public string Program => Path.Combine(_folder, "pocketcoder");

        /// <summary>What to put before a command to run it as this user.</summary>
        public IReadOnlyList<string> Before => ["/usr/bin/setpriv", $"--reuid={_name}", $"--regid={_name}", "--clear-groups", "--"];

        public static async Task<OtherUser> CreateAsync()
        {
            Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root can make another user");
            Assert.SkipUnless(File.Exists("/usr/sbin/useradd") && File.Exists("/usr/bin/setpriv"), "useradd or setpriv is not installed");
            var name = $"pct{Guid.CreateVersion7():N}"[..15] + Random.Shared.Next(1000, 9999);
            await RootAsync("/usr/sbin/useradd", "--no-create-home", "--user-group", "--shell", "/usr/sbin/nologin", name);
            var id = (await RootAsync("/usr/bin/id", "-u", name)).Trim();
            var folder = Directory.CreateTempSubdirectory("pcu-");
            folder.UnixFileMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherRead
                | UnixFileMode.OtherExecute;
            await RootAsync("/bin/cp", "-R", "--no-preserve=mode", Path.GetDirectoryName(CliHome.Built)! + "/.", folder.FullName);
            await RootAsync("/bin/chmod", "-R", "a+rX", folder.FullName);
            await RootAsync("/bin/chmod", "a+x", Path.Combine(folder.FullName, "pocketcoder"));
            return new OtherUser(name, id, folder.FullName);
        }

        /// <summary>Others may pass through a folder, not into what is closed below it.</summary>
        public void MayEnter(string folder) => File.SetUnixFileMode(folder, File.GetUnixFileMode(folder) | UnixFileMode.OtherExecute);

        /// <summary>The id of the user who owns a file.</summary>
        public static async Task<string> OwnerAsync(string path) => (await RootAsync("/usr/bin/stat", "-c", "%u", path)).Trim();

        /// <summary>Runs a program as this user.</summary>
        public Task<string> RunAsync(params string[] command) => RootAsync(Before[0], [.. Before.Skip(1), .. command]);

        public async Task GiveAsync(string folder) => await RootAsync("/bin/chown", "-R", $"{_name}:{_name}", folder);

        /// <summary>Makes a file root's.</summary>
        public Task<string> TakeAsync(string file) => RootAsync("/bin/chown", "root:root", file);

        public async ValueTask DisposeAsync()
        {
            // What a test ended may be a moment away from its end, and a user with a process stays.
            await Wait.UntilAsync(async () => await TryRootAsync("/usr/sbin/userdel", _name), "the user's last process");
            Directory.Delete(_folder, recursive: true);
        }

        private static async Task<bool> TryRootAsync(string program, params string[] arguments)
        {
            await using var running = RunningProgram.Start(program, arguments, s_environment, "/");
            return (await running.EndAsync()).Code == 0;
        }

        private static async Task<string> RootAsync(string program, params string[] arguments)
        {
            await using var running = RunningProgram.Start(program, arguments, s_environment, "/");
            return (await running.EndAsync()).Succeeded().Out;
        }
    }
}

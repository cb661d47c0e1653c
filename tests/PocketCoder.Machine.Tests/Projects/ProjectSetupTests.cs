using System.Runtime.Versioning;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using PocketCoder.Ledger;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Projects;
using PocketCoder.Protocol;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Projects;

/// <summary>Folders looked at, registered, made and renamed from a device, and what no device reaches.</summary>
[SupportedOSPlatform("linux")]
public sealed class ProjectSetupTests
{
    [Fact]
    public async Task A_phone_finds_a_folder_registers_it_renames_it_and_lets_it_go_with_a_row_each()
    {
        await using var place = await Place.StartAsync();
        place.Make("src/shop/.git");
        place.Make("src/plain");
        var phone = await place.PhoneAsync();

        var root = Assert.Single((await phone.FoldersAsync(null)).Folders);
        Assert.Equal(place.User, root.Path);
        var home = await phone.FoldersAsync(root.Path);
        Assert.Equal((null, false), (home.Parent, home.Truncated));
        Assert.Equal(["src"], home.Folders.Select(f => f.Name));
        var src = await phone.FoldersAsync(home.Folders[0].Path);
        Assert.Equal(root.Path, src.Parent);
        Assert.Equal([("plain", false), ("shop", true)], src.Folders.Select(f => (f.Name, f.Repository)));

        var added = await phone.AddAsync(src.Folders[1].Path);
        Assert.True(added.Added);
        Assert.Equal("shop", added.Project.Name);
        Assert.False((await phone.AddAsync(src.Folders[1].Path)).Added);
        Assert.Equal(added.Project.ProjectId, (await phone.FoldersAsync(src.Path)).Folders[1].ProjectId);

        Assert.Equal("Corner shop", (await phone.RenameAsync(added.Project.ProjectId, " Corner shop ")).Name);
        Assert.Contains(await place.Owner.ListProjectsAsync(default), p => p.Name == "Corner shop" && p.Path == added.Project.Path);
        await phone.RemoveAsync(added.Project.ProjectId);
        Assert.DoesNotContain(await place.Owner.ListProjectsAsync(default), p => p.Path == added.Project.Path);
        Assert.True(Directory.Exists(Path.Combine(added.Project.Path, ".git")));
        Assert.True((await phone.AddAsync(added.Project.Path)).Added);

        var rows = (await phone.AskAsync<LedgerListRequest, LedgerListResponse>(MessageTypes.LedgerList, new LedgerListRequest())).Rows
            .OrderByDescending(r => r.Seq).Take(4).Select(r => JsonDocument.Parse(r.Body).RootElement).ToList();
        Assert.Equal(
            [LedgerKind.ProjectAdded, LedgerKind.ProjectRemoved, LedgerKind.ConfigurationChanged, LedgerKind.ProjectAdded],
            rows.Select(r => r.GetProperty("kind").GetString()));
        var device = Assert.Single((await phone.AskAsync<DevicesListRequest, DevicesListResponse>(
            MessageTypes.DevicesList, new DevicesListRequest())).Devices);
        Assert.All(rows, r => Assert.Equal(device.DeviceId, r.GetProperty("deviceId").GetString()));
    }

    [Fact]
    public async Task A_new_project_is_an_empty_folder_with_a_repository_that_git_takes()
    {
        await using var place = await Place.StartAsync();
        var phone = await place.PhoneAsync();
        var made = await phone.CreateAsync(place.User, "näu 1", git: true);
        Assert.Equal(("näu 1", Path.Combine(place.User, "näu 1")), (made.Name, made.Path));
        Assert.Equal("main", (await phone.AskAsync<GitStatusRequest, GitStatusResponse>(
            MessageTypes.GitStatus, new GitStatusRequest(made.ProjectId))).Branch);
        Assert.Empty(Directory.EnumerateFileSystemEntries((await phone.CreateAsync(made.Path, "inner", git: false)).Path));

        Assert.Equal(ErrorCode.FileExists, await phone.RefusedAsync(() => phone.CreateAsync(place.User, "näu 1", git: true)));
        var count = (await place.Owner.ListProjectsAsync(default)).Count;
        foreach (var name in (string[])["", ".", "..", ".hidden", "a/b", "a\0b", "a\nb", "a\u202eb", "a\u200bb", " a", "a ", "snap",
            new string('x', 101)])
        {
            Assert.Equal(ErrorCode.InvalidRequest, await phone.RefusedAsync(() => phone.CreateAsync(place.User, name, git: true)));
        }

        foreach (var name in (string[])["", "a\nb", "a\u202eb", new string('x', 101)])
        {
            Assert.Equal(ErrorCode.InvalidRequest, await phone.RefusedAsync(() => phone.RenameAsync(made.ProjectId, name)));
        }

        Assert.Equal(count, (await place.Owner.ListProjectsAsync(default)).Count);
        Assert.Equal(["näu 1"], Directory.EnumerateDirectories(place.User).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData("src", true)]
    [InlineData("näu 1", true)]
    [InlineData("снег", true)]
    [InlineData("", false)]
    [InlineData(".", false)]
    [InlineData("..", false)]
    [InlineData("a/b", false)]
    [InlineData("Snap", false)]
    [InlineData("a\u00a0b", false)]
    [InlineData("a\u2066b", false)]
    [InlineData("a\ufeffb", false)]
    public void A_name_that_is_not_seen_as_what_it_is_is_none(string name, bool open) => Assert.Equal(open, FolderNames.IsOpen(name));

    [Fact]
    public void Half_a_pair_is_no_name() => Assert.False(FolderNames.IsOpen($"a{(char)0xD800}"));

    [Fact]
    public async Task What_is_hidden_a_link_anothers_or_outside_is_not_listed_not_entered_and_not_registered()
    {
        await using var place = await Place.StartAsync();
        place.Make("ok/inside");
        place.Make("ok/.hidden/x");
        place.Make(".ssh");
        place.Make("snap/code");
        place.Make("odd\u202ename");
        place.Make("open");
        File.SetUnixFileMode(Path.Combine(place.User, "open"), (UnixFileMode)0x1FF);
        Directory.CreateDirectory(Path.Combine(place.Outside, "secret"));
        Directory.CreateSymbolicLink(Path.Combine(place.User, "away"), place.Outside);
        Directory.CreateSymbolicLink(Path.Combine(place.User, "near"), Path.Combine(place.User, "ok"));
        await File.WriteAllTextAsync(Path.Combine(place.User, "file"), "");
        var phone = await place.PhoneAsync();
        Assert.Equal(["ok"], (await phone.FoldersAsync(place.User)).Folders.Select(f => f.Name));
        Assert.Equal(["inside"], (await phone.FoldersAsync($"{place.User}/ok")).Folders.Select(f => f.Name));

        var projects = (await place.Owner.ListProjectsAsync(default)).Count;
        foreach (var path in (string[])["/", "/etc", "/root", place.Outside, $"{place.User}/..", $"{place.User}/ok/../..", $"{place.User}//ok",
            $"{place.User}/ok/", $"{place.User}/./ok", $"{place.User}x", $"{place.User}/.ssh", $"{place.User}/ok/.hidden/x",
            $"{place.User}/snap/code", $"{place.User}/SNAP", $"{place.User}/odd\u202ename", $"{place.User}/open", $"{place.User}/away",
            $"{place.User}/away/secret", $"{place.User}/near/inside", $"{place.User}/file", place.Daemon.Options.Home.Root,
            $"{place.User}/{string.Join('/', Enumerable.Repeat("a", 30))}"])
        {
            Assert.Equal(ErrorCode.PermissionDenied, await phone.RefusedAsync(() => phone.FoldersAsync(path)));
            Assert.Equal(ErrorCode.PermissionDenied, await phone.RefusedAsync(() => phone.AddAsync(path)));
            Assert.Equal(ErrorCode.PermissionDenied, await phone.RefusedAsync(() => phone.CreateAsync(path, "new", git: true)));
        }

        foreach (var path in (string[])["", "ok", "~", "a\0b", $"{place.User}/o\0k", $"/{new string('a', 5000)}"])
        {
            Assert.Equal(ErrorCode.InvalidRequest, await phone.RefusedAsync(() => phone.AddAsync(path)));
        }

        // as the owner at the machine: the home folder itself is no project, and a device can't force it
        Assert.Equal(ErrorCode.PermissionDenied, await phone.RefusedAsync(() => phone.AddAsync(place.User)));
        Assert.Equal(ErrorCode.Unauthorized, await phone.RefusedAsync(() => phone.AddAsync($"{place.User}/ok", force: true)));
        Assert.Equal(ErrorCode.FileNotFound, await phone.RefusedAsync(() => phone.AddAsync($"{place.User}/nothing")));
        Assert.Equal(projects, (await place.Owner.ListProjectsAsync(default)).Count);
        Assert.False(Directory.Exists(Path.Combine(place.Outside, "new")));
    }

    [Fact]
    public async Task A_device_without_manage_sees_no_folder_and_none_reaches_the_roots()
    {
        await using var place = await Place.StartAsync();
        place.Make("ok");
        var phone = await place.PhoneAsync(Scope.View, Scope.Prompt, Scope.Decide);
        Assert.Equal(ErrorCode.Unauthorized, await phone.RefusedAsync(() => phone.FoldersAsync(null)));
        Assert.Equal(ErrorCode.Unauthorized, await phone.RefusedAsync(() => phone.AddAsync($"{place.User}/ok")));
        Assert.Equal(ErrorCode.Unauthorized, await phone.RefusedAsync(() => phone.CreateAsync(place.User, "new", git: false)));
        Assert.All((string[])["project_root_add", "project_root_remove", "project_roots_list"],
            type => Assert.Null(place.Daemon.Daemon.Table.Find(type)!.Scope));
    }

    [Fact]
    public async Task The_owner_decides_the_roots_and_never_allows_all_or_what_is_hidden()
    {
        await using var place = await Place.StartAsync();
        place.Make("ok");
        place.Make(".config");
        var code = Directory.CreateDirectory(Path.Combine(place.Outside, "code", "app")).Parent!.FullName;
        var phone = await place.PhoneAsync();
        Assert.Equal([place.User], await place.Owner.ListRootsAsync());
        Assert.Equal(code, await place.Owner.AddRootAsync(code));
        Assert.Equal(code, await place.Owner.AddRootAsync(code)); // again is no change
        Assert.True((await phone.AddAsync($"{code}/app")).Added);
        Assert.Equal(place.User, await place.Owner.RemoveRootAsync(place.User));
        Assert.Equal([code], await place.Owner.ListRootsAsync());
        Assert.Equal(ErrorCode.PermissionDenied, await phone.RefusedAsync(() => phone.AddAsync($"{place.User}/ok")));
        await place.Daemon.RestartAsync();
        Assert.Equal([code], await place.Owner.ListRootsAsync());
        await place.Owner.RemoveRootAsync(code);
        Assert.Empty(await place.Owner.ListRootsAsync());
        Assert.Equal([place.User], [await place.Owner.AddRootAsync(place.User)]);
        foreach (var path in (string[])["/", "/etc", "/proc/self", "/usr/lib", $"{place.User}/.config", place.Daemon.Options.Home.Root, "/tmp",
            $"{place.User}/nothing"])
        {
            await Assert.ThrowsAsync<ControlException>(() => place.Owner.AddRootAsync(path));
        }

        Assert.Equal([place.User], await place.Owner.ListRootsAsync());
    }

    [Fact]
    public async Task A_folder_that_is_swapped_for_a_link_again_and_again_never_leads_out()
    {
        await using var place = await Place.StartAsync();
        place.Make("work/deep");
        Directory.CreateDirectory(Path.Combine(place.Outside, "deep"));
        var (real, kept) = (Path.Combine(place.User, "work"), Path.Combine(place.User, "kept"));
        using var stop = new CancellationTokenSource();
        var swapping = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                Directory.Move(real, kept);
                Directory.CreateSymbolicLink(real, place.Outside);
                File.Delete(real);
                Directory.Move(kept, real);
            }
        });
        try
        {
            for (var i = 0; i < 2000; i++)
            {
                try
                {
                    using var opened = FolderBrowser.Open($"{real}/deep", [place.User], []);
                    var where = PocketCoder.Workspace.Beneath.Libc.WhereIs(opened.Handle)!;
                    Assert.StartsWith(place.User, Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(where)), StringComparison.Ordinal);
                }
                catch (Machine.Routing.RequestFailure e)
                {
                    Assert.True(e.Error.Code is ErrorCode.PermissionDenied or ErrorCode.FileNotFound);
                }
            }
        }
        finally
        {
            await stop.CancelAsync();
            await swapping;
        }
    }

    [Fact]
    public async Task A_folder_of_very_many_names_is_told_in_part()
    {
        await using var place = await Place.StartAsync();
        for (var i = 0; i < 1010; i++)
        {
            place.Make($"many/d{i:0000}");
        }

        var listed = await (await place.PhoneAsync()).FoldersAsync($"{place.User}/many");
        Assert.Equal((1000, true, "d0999"), (listed.Folders.Count, listed.Truncated, listed.Folders[^1].Name));
    }

    /// <summary>A daemon whose user has a home folder of the test's.</summary>
    private sealed class Place(TestDaemon daemon, string folder) : IAsyncDisposable
    {
        private readonly List<Asker> _phones = [];

        public TestDaemon Daemon => daemon;

        public TestOwner Owner => daemon.Daemon.AsOwner();

        public string User { get; } = Path.Combine(folder, "ada");

        public string Outside { get; } = Path.Combine(folder, "outside");

        public static async Task<Place> StartAsync()
        {
            var folder = Directory.CreateTempSubdirectory("pc-setup-").FullName;
            Directory.CreateDirectory(Path.Combine(folder, "ada"));
            Directory.CreateDirectory(Path.Combine(folder, "outside"));
            return new Place(
                await TestDaemon.StartAsync(seams: s => s with { UserHome = Path.Combine(folder, "ada") }), folder);
        }

        public void Make(string path) => Directory.CreateDirectory(Path.Combine(User, path));

        public async Task<Asker> PhoneAsync(params Scope[] scopes)
        {
            var phone = new Asker(await daemon.PairAsync("phone", scopes));
            _phones.Add(phone);
            return phone;
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var phone in _phones)
            {
                await phone.Device.DisposeAsync();
            }

            await daemon.DisposeAsync();
            Directory.Delete(folder, recursive: true);
        }
    }

    private sealed class Asker(TestDevice device)
    {
        public TestDevice Device => device;

        public Task<TResponse> AskAsync<TRequest, TResponse>(string type, TRequest request) => device.AskAsync(
            type, request, (JsonTypeInfo<TRequest>)ProtocolJson.Default.GetTypeInfo(typeof(TRequest))!,
            (JsonTypeInfo<TResponse>)ProtocolJson.Default.GetTypeInfo(typeof(TResponse))!);

        public Task<FoldersListResponse> FoldersAsync(string? path)
            => AskAsync<FoldersListRequest, FoldersListResponse>(MessageTypes.FoldersList, new FoldersListRequest(path));

        public Task<ProjectAddResponse> AddAsync(string path, bool force = false) => AskAsync<ProjectAddRequest, ProjectAddResponse>(
            MessageTypes.ProjectAdd, new ProjectAddRequest(path, null, force));

        public async Task<ProjectInfo> CreateAsync(string parent, string name, bool git)
            => (await AskAsync<ProjectCreateRequest, ProjectCreateResponse>(
                MessageTypes.ProjectCreate, new ProjectCreateRequest(parent, name, git))).Project;

        public async Task<ProjectInfo> RenameAsync(Guid project, string name)
            => (await AskAsync<ProjectRenameRequest, ProjectRenameResponse>(
                MessageTypes.ProjectRename, new ProjectRenameRequest(project, name))).Project;

        public Task<ProjectRemoveResponse> RemoveAsync(Guid project) => AskAsync<ProjectRemoveRequest, ProjectRemoveResponse>(
            MessageTypes.ProjectRemove, new ProjectRemoveRequest(project));

        public async Task<ErrorCode> RefusedAsync(Func<Task> ask) => (await Assert.ThrowsAsync<WireErrorException>(ask)).Error.Code;
    }
}

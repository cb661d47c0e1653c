using System.Runtime.Versioning;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using PocketCoder.Ledger;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Git.Clones;
using PocketCoder.Machine.Git.Transfers;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;
using PocketCoder.Testing.Git;

namespace PocketCoder.Machine.Tests.Git;

/// <summary>Clones from a device: by git's own servers over https and ssh, into a home folder of the test's.</summary>
[SupportedOSPlatform("linux")]
public sealed class CloneTests
{
    /// <summary>What would run, if anything of a repository could: a hook's template, a filter, a submodule, LFS.</summary>
    private const string Hostile =
        "printf '* filter=evil\\nlarge filter=lfs\\n' > .gitattributes; printf '[submodule \"s\"]\\n\\tpath = s\\n\\turl = https://git.test/open.git\\n' > .gitmodules; printf 'version https://git-lfs.github.com/spec/v1\\noid sha256:%064d\\nsize 7\\n' 0 > large; printf 'a\\n' > a; git add .; git update-index --add --cacheinfo 160000,1111111111111111111111111111111111111111,s; git commit -qm first; git tag v1; git push -q origin v1";

    [Theory]
    [InlineData(SandboxKind.Bubblewrap)]
    [InlineData(SandboxKind.None)]
    public async Task By_https_a_repository_becomes_a_project_with_its_rows_and_nothing_of_it_runs(SandboxKind sandbox)
    {
        Assert.SkipWhen(GitHttpServer.Missing is not null, GitHttpServer.Missing ?? "");
        await using var server = await GitHttpServer.StartAsync();
        await server.TheirsAsync(Hostile);
        await using var place = await Place.StartAsync(sandbox, server.Way);
        var refused = await place.EndAsync(await place.BeginAsync("shop", server.Url()));
        Assert.Equal((CloneState.Failed, ErrorCode.GitAuthRequired), (refused.State, refused.Error!.Code));
        Assert.Contains($"git-token set {server.Place}", refused.Error.Message, StringComparison.Ordinal);
        Assert.Empty(place.There());

        await place.Owner.SetSecretAsync(GitTokens.NameOf(server.Place)!, GitHttpServer.Token, CancellationToken.None);
        await place.Device.SubscribeAsync("machine", place.Device.Hello.Instance);
        var id = Guid.CreateVersion7();
        var begun = await place.BeginAsync("shop", server.Url(), id);
        Assert.Equal((CloneState.Running, Path.Combine(place.User, "shop")), (begun.State, begun.Path));
        var done = await place.EndAsync(begun);
        Assert.True(done.State == CloneState.Done, done.Error?.Message);
        var project = done.Project!;
        Assert.Equal(("shop", done.Path), (project.Name, project.Path));
        Assert.Equal("a\n", await File.ReadAllTextAsync(Path.Combine(project.Path, "a")));
        Assert.StartsWith(
            "version https://git-lfs", await File.ReadAllTextAsync(Path.Combine(project.Path, "large")), StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(project.Path, "s")));
        Assert.False(Directory.Exists(Path.Combine(project.Path, ".git", "hooks")));
        Assert.False(Directory.Exists(Path.Combine(project.Path, ".git", "modules")));
        Assert.Equal(
            $"## main...origin/main\nv1\norigin/main\n{server.Url()}\n",
            await GitBench.ShellAsync(
                project.Path, "git status -sb --ignore-submodules | head -1; git tag; git symbolic-ref --short refs/remotes/origin/HEAD; git remote get-url origin"));
        Assert.DoesNotContain(
            GitHttpServer.Token, await File.ReadAllTextAsync(Path.Combine(project.Path, ".git", "config")), StringComparison.Ordinal);
        Assert.Equal(["shop"], place.There());

        // The same again is the same, also after a new start; its id is good for nothing else.
        Assert.Equal(project.ProjectId, (await place.BeginAsync("shop", server.Url(), id)).Project!.ProjectId);
        await place.Daemon.RestartAsync();
        await place.AgainAsync();
        Assert.Equal(project.ProjectId, (await place.BeginAsync("shop", server.Url(), id)).Project!.ProjectId);
        Assert.Equal(ErrorCode.Conflict, (await place.RefusedAsync("other", server.Url(), id)).Code);
        Assert.Equal(ErrorCode.FileExists, (await place.RefusedAsync("shop", server.Url())).Code);

        var rows = await place.RowsAsync();
        var (asked, added) = (rows.FindLastIndex(r => Data(r, "action") == MessageTypes.ProjectClone),
            rows.FindLastIndex(r => Data(r, "projectId") == project.ProjectId.ToString()));
        Assert.Equal((LedgerKind.GitChanged, server.Url()), (Kind(rows[asked]), Data(rows[asked], "target")));
        Assert.Equal((LedgerKind.ProjectAdded, server.Url()), (Kind(rows[added]), Data(rows[added], "from")));
        Assert.True(asked < added, "the project is recorded before what it was made of");
    }

    [Fact]
    public async Task By_ssh_a_repository_is_cloned_with_the_owners_key_and_progress_comes_to_the_device()
    {
        Assert.SkipWhen(SshServer.Missing is not null, SshServer.Missing ?? "");
        await using var server = await SshServer.StartAsync();
        await GitBench.ShellAsync(
            server.Repository,
            "git clone -q . ../clone 2>/dev/null; cd ../clone; git config user.name B; git config user.email b@example.org; git checkout -q -b trunk; head -c 200000 /dev/urandom > f; git add f; git commit -qm first; git push -q origin trunk; cd ../*bare.git; git symbolic-ref HEAD refs/heads/trunk");
        await using var place = await Place.StartAsync(SandboxKind.Bubblewrap, ssh: server.Client());
        await place.Device.SubscribeAsync("machine", place.Device.Hello.Instance);
        var done = await place.EndAsync(await place.BeginAsync("shop", server.Url));
        Assert.True(done.State == CloneState.Done, done.Error?.Message);
        Assert.Equal("## trunk...origin/trunk\n", await GitBench.ShellAsync(done.Path, "git status -sb"));
        await place.Device.NextAsync(
            e => e.Type == MessageTypes.MachineEvent
                && Clone(e) is { State: CloneState.Running, Phase: ClonePhase.Receiving, Percent: >= 0 },
            "how far the objects are");
        await place.Device.NextAsync(e => e.Type == MessageTypes.MachineEvent && Clone(e) is { State: CloneState.Done }, "the end");

        var missing = await place.EndAsync(await place.BeginAsync("none", server.Url + "x"));
        Assert.Equal((ErrorCode.GitError, "not_found"), (missing.Error!.Code, missing.Error.Details!["reason"]));
        Assert.Equal(["shop"], place.There());
    }

    [Fact]
    public async Task Without_a_key_over_ssh_it_says_so_and_a_host_that_is_not_public_is_refused()
    {
        Assert.SkipWhen(SshServer.Missing is not null, SshServer.Missing ?? "");
        await using var server = await SshServer.StartAsync();
        var nowhere = new HttpsSettings
        { Resolve = static (_, _) => new ValueTask<IReadOnlyList<System.Net.IPAddress>>([System.Net.IPAddress.Loopback]) };
        await using var place = await Place.StartAsync(SandboxKind.Bubblewrap, nowhere, server.Client(key: false));
        var locked = await place.EndAsync(await place.BeginAsync("shop", server.Url));
        Assert.Equal(ErrorCode.GitAuthRequired, locked.Error!.Code);
        var inside = await place.EndAsync(await place.BeginAsync("shop", "https://inside.test/shop.git"));
        Assert.Equal((ErrorCode.PermissionDenied, "host_not_allowed"), (inside.Error!.Code, inside.Error.Details!["reason"]));
        Assert.Empty(place.There());
    }

    [Theory]
    [InlineData("file:///etc")]
    [InlineData("/etc")]
    [InlineData("../other")]
    [InlineData("ext::sh -c id")]
    [InlineData("http://git.test/a.git")]
    [InlineData("git://git.test/a.git")]
    [InlineData("https://ada:secret@git.test/a.git")]
    [InlineData("https://127.0.0.1/a.git")]
    [InlineData("--upload-pack=id")]
    [InlineData("-oProxyCommand=id:a")]
    [InlineData("ssh://-oProxyCommand=id/a")]
    [InlineData("host:-a")]
    [InlineData("https://git.test/a.git\n")]
    [InlineData("https://git.test/a\u0001.git")]
    [InlineData("host:a\u202egit")]
    [InlineData("")]
    public async Task An_address_that_git_must_not_be_given_is_refused_and_nothing_is_done(string address)
    {
        await using var place = await Place.StartAsync(SandboxKind.None);
        Assert.Equal(ErrorCode.InvalidRequest, (await place.RefusedAsync("shop", address)).Code);
        Assert.Empty(place.There());
        Assert.DoesNotContain(await place.RowsAsync(), r => Data(r, "action") == MessageTypes.ProjectClone);
    }

    [Fact]
    public async Task Where_it_may_not_be_and_where_something_is_it_does_not_begin()
    {
        await using var place = await Place.StartAsync(SandboxKind.None);
        Directory.CreateDirectory(Path.Combine(place.User, "taken"));
        const string address = "https://git.test/a.git";
        Assert.Equal(ErrorCode.FileExists, (await place.RefusedAsync("taken", address)).Code);
        Assert.Equal(ErrorCode.InvalidRequest, (await place.RefusedAsync(".hidden", address)).Code);
        Assert.Equal(ErrorCode.InvalidRequest, (await place.RefusedAsync("a/b", address)).Code);
        Assert.Equal(ErrorCode.InvalidRequest, (await place.RefusedAsync("shop", address, Guid.Empty)).Code);
        Assert.Equal(ErrorCode.PermissionDenied, (await place.RefusedAsync("shop", address, parent: "/etc")).Code);
        Assert.Null((await place.AskAsync<ProjectCloneGetRequest, ProjectCloneGetResponse>(
            MessageTypes.ProjectCloneGet, new ProjectCloneGetRequest(Guid.CreateVersion7()))).Cloning);
        var unknown = await Assert.ThrowsAsync<WireErrorException>(() => place.CancelAsync(Guid.CreateVersion7()));
        Assert.Equal(ErrorCode.ProjectNotFound, unknown.Error.Code);
        await place.Daemon.RestartAsync(seams: s => s with { Clones = CloneLimits.Default with { Free = long.MaxValue } });
        await place.AgainAsync();
        Assert.Equal(ErrorCode.StorageFull, (await place.RefusedAsync("shop", address)).Code);
        Assert.Equal(["taken"], place.There());
    }

    [Theory]
    [InlineData(SandboxKind.Bubblewrap)]
    [InlineData(SandboxKind.None)]
    public async Task One_runs_at_a_time_it_is_found_by_others_and_cancelled_without_a_trace(SandboxKind sandbox)
    {
        Assert.SkipWhen(GitHttpServer.Missing is not null, GitHttpServer.Missing ?? "");
        await using var server = await GitHttpServer.StartAsync();
        await using var place = await Place.StartAsync(sandbox, server.Way);
        using var held = new ManualResetEventSlim();
        server.Meanwhile = () => held.Wait(Wait.Limit);
        var begun = await place.BeginAsync("shop", server.Url("open.git"));
        var second = await place.RefusedAsync("other", server.Url("open.git"));
        Assert.Equal((ErrorCode.Conflict, "clone_running", begun.CloneId.ToString()),
            (second.Code, second.Details!["reason"], second.Details["cloneId"]));
        await using var tablet = await place.Daemon.PairAsync("tablet");
        var found = (await tablet.AskAsync(
            MessageTypes.ProjectCloneGet, new ProjectCloneGetRequest(), ProtocolJson.Default.ProjectCloneGetRequest,
            ProtocolJson.Default.ProjectCloneGetResponse)).Cloning!;
        Assert.Equal((begun.CloneId, CloneState.Running), (found.CloneId, found.State));
        await Wait.UntilAsync(() => !server.Asked.IsEmpty, "the server is asked");
        Assert.StartsWith(".pocketcoder-clone-", Assert.Single(place.There()), StringComparison.Ordinal);

        var cancelled = await place.CancelAsync(begun.CloneId);
        Assert.Equal((CloneState.Cancelled, null), (cancelled.State, cancelled.Error));
        Assert.Empty(place.There());
        held.Set();
        Assert.Equal(CloneState.Cancelled, (await place.BeginAsync("shop", server.Url("open.git"), begun.CloneId)).State); // not once more
        var empty = await place.EndAsync(await place.BeginAsync("shop", server.Url("open.git")));
        Assert.True(empty.State == CloneState.Done, empty.Error?.Message); // of nothing, but a repository
        Assert.Equal("ref: refs/heads/main\n", await File.ReadAllTextAsync(Path.Combine(empty.Path, ".git", "HEAD")));
        Assert.Equal(CloneState.Done, (await place.CancelAsync(empty.CloneId)).State); // what is over stays as it ended
        Assert.Equal(["shop"], place.There());
    }

    [Fact]
    public async Task One_that_grows_beyond_its_limit_or_takes_too_long_ends_and_leaves_nothing()
    {
        Assert.SkipWhen(GitHttpServer.Missing is not null, GitHttpServer.Missing ?? "");
        await using var server = await GitHttpServer.StartAsync();
        using var held = new ManualResetEventSlim();
        var small = CloneLimits.Default with { Bytes = 1, Free = 1, Look = TimeSpan.FromMilliseconds(20) };
        await using var place = await Place.StartAsync(SandboxKind.None, server.Way, limits: small);
        server.Meanwhile = () => held.Wait(Wait.Limit);
        var large = await place.EndAsync(await place.BeginAsync("shop", server.Url("open.git")));
        Assert.Equal((CloneState.Failed, ErrorCode.FileTooLarge), (large.State, large.Error!.Code));
        await place.Daemon.RestartAsync(seams: s => s with { Clones = small with { Bytes = long.MaxValue, Time = TimeSpan.Zero } });
        await place.AgainAsync();
        var late = await place.EndAsync(await place.BeginAsync("shop", server.Url("open.git")));
        Assert.Equal((CloneState.Failed, ErrorCode.CommandTimeout), (late.State, late.Error!.Code));
        held.Set();
        Assert.Empty(place.There());
    }

    [Theory]
    [InlineData("clone_folder")]
    [InlineData("clone_fetched")]
    public async Task What_a_crash_cut_off_is_taken_away_by_the_next_start(string step)
    {
        Assert.SkipWhen(GitHttpServer.Missing is not null, GitHttpServer.Missing ?? "");
        await using var server = await GitHttpServer.StartAsync();
        await using var place = await Place.StartAsync(SandboxKind.None, server.Way);
        place.CutAt = step;
        var begun = await place.BeginAsync("shop", server.Url("open.git"));
        Assert.Equal(CloneState.Failed, (await place.EndAsync(begun)).State);
        var left = Assert.Single(place.There());
        Assert.StartsWith(".pocketcoder-clone-", left, StringComparison.Ordinal);
        place.CutAt = "";
        await place.Daemon.RestartAsync();
        await place.AgainAsync();
        await Wait.UntilAsync(() => place.There().Length == 0, "it is taken away");
        var known = await place.BeginAsync("shop", server.Url("open.git"), begun.CloneId);
        Assert.Equal((CloneState.Failed, ErrorCode.Unavailable), (known.State, known.Error!.Code));
        Assert.True((await place.EndAsync(await place.BeginAsync("shop", server.Url("open.git")))).State == CloneState.Done);
    }

    [Fact]
    public async Task A_folder_that_took_its_hidden_name_meanwhile_is_left_alone()
    {
        Assert.SkipWhen(GitHttpServer.Missing is not null, GitHttpServer.Missing ?? "");
        await using var server = await GitHttpServer.StartAsync();
        await using var place = await Place.StartAsync(SandboxKind.None, server.Way);
        place.CutAt = "clone_fetched";
        await place.EndAsync(await place.BeginAsync("shop", server.Url("open.git")));
        var left = Path.Combine(place.User, Assert.Single(place.There()));
        Directory.Move(left, Path.Combine(place.User, "mine"));
        Directory.CreateDirectory(left);
        await File.WriteAllTextAsync(Path.Combine(left, "note"), "somebody's");
        place.CutAt = "";
        await place.Daemon.RestartAsync();
        await place.AgainAsync();
        Assert.True((await place.EndAsync(await place.BeginAsync("shop", server.Url("open.git")))).State == CloneState.Done);
        Assert.True(File.Exists(Path.Combine(left, "note")));
        Assert.True(File.Exists(Path.Combine(place.User, "mine", ".git", "HEAD")));
    }

    [Fact]
    public async Task One_that_was_whole_when_the_machine_fell_is_a_project_after_the_next_start()
    {
        Assert.SkipWhen(GitHttpServer.Missing is not null, GitHttpServer.Missing ?? "");
        await using var server = await GitHttpServer.StartAsync();
        await using var place = await Place.StartAsync(SandboxKind.None, server.Way);
        place.CutAt = "clone_placed";
        var begun = await place.BeginAsync("shop", server.Url("open.git"));
        await place.EndAsync(begun);
        Assert.Equal(["shop"], place.There());
        Assert.DoesNotContain(await place.Owner.ListProjectsAsync(CancellationToken.None), p => p.Path == begun.Path);
        place.CutAt = "";
        await place.Daemon.RestartAsync();
        await place.AgainAsync();
        var known = await place.BeginAsync("shop", server.Url("open.git"), begun.CloneId);
        Assert.Equal((CloneState.Done, begun.Path), (known.State, known.Project!.Path));
        Assert.Contains(await place.RowsAsync(), r => Kind(r) == LedgerKind.ProjectAdded && Data(r, "from") == server.Url("open.git"));
    }

    [Fact]
    public async Task A_name_that_is_taken_while_it_runs_is_not_touched()
    {
        Assert.SkipWhen(GitHttpServer.Missing is not null, GitHttpServer.Missing ?? "");
        await using var server = await GitHttpServer.StartAsync();
        await using var place = await Place.StartAsync(SandboxKind.None, server.Way);
        server.Meanwhile = () => Directory.CreateDirectory(Path.Combine(place.User, "shop", "theirs"));
        var ended = await place.EndAsync(await place.BeginAsync("shop", server.Url("open.git")));
        Assert.Equal((CloneState.Failed, ErrorCode.FileExists), (ended.State, ended.Error!.Code));
        Assert.Equal(["shop"], place.There());
        Assert.True(Directory.Exists(Path.Combine(place.User, "shop", "theirs")));
    }

    [Fact]
    public async Task A_repository_with_sha256_is_cloned()
    {
        Assert.SkipWhen(SshServer.Missing is not null, SshServer.Missing ?? "");
        await using var server = await SshServer.StartAsync();
        await GitBench.ShellAsync(
            server.Repository,
            "git init -q --object-format=sha256 -b main ../new; cd ../new; git config user.name B; git config user.email b@example.org; printf 'a\\n' > a; git add a; git commit -qm first; rm -rf ../*bare.git; git clone -q --bare . \"../it's bare.git\"");
        await using var place = await Place.StartAsync(SandboxKind.Bubblewrap, ssh: server.Client());
        var done = await place.EndAsync(await place.BeginAsync("shop", server.Url));
        Assert.True(done.State == CloneState.Done, done.Error?.Message);
        Assert.Equal(
            "sha256\n## main...origin/main\n",
            await GitBench.ShellAsync(done.Path, "git rev-parse --show-object-format; git status -sb"));
    }

    private static CloneInfo? Clone(Envelope told)
        => told.Payload?.Deserialize(ProtocolJson.Default.MachineEvent) is CloneChanged { Cloning: var clone } ? clone : null;

    private static string Kind(JsonElement row) => row.GetProperty("kind").GetString()!;

    private static string? Data(JsonElement row, string name)
        => row.TryGetProperty("data", out var data) && data.ValueKind == JsonValueKind.Object && data.TryGetProperty(name, out var value)
            ? value.GetString() : null;

    /// <summary>A daemon whose user has a home folder of the test's, and a device that may manage it.</summary>
    private sealed class Place(string folder) : IAsyncDisposable
    {
        public TestDaemon Daemon { get; private set; } = null!;

        public TestDevice Device { get; private set; } = null!;

        public string User { get; } = Path.Combine(folder, "ada");

        /// <summary>The step at which it is cut off, with nothing cleared, as by a kill.</summary>
        public volatile string CutAt = "";

        public TestOwner Owner => Daemon.Daemon.AsOwner();

        public static async Task<Place> StartAsync(
            SandboxKind sandbox, HttpsSettings? https = null, IReadOnlyList<string>? ssh = null, CloneLimits? limits = null)
        {
            var place = new Place(Directory.CreateTempSubdirectory("pc-clone-").FullName);
            Directory.CreateDirectory(place.User);
            place.Daemon = await TestDaemon.StartAsync(sandbox: sandbox, ssh: ssh, seams: s => s with
            {
                UserHome = place.User,
                Seam = place.Pass,
                GitHttps = https ?? s.GitHttps,
                Clones = limits ?? CloneLimits.Default with { Free = 1 },
            });
            place.Device = await place.Daemon.PairAsync();
            return place;
        }

        /// <summary>After the daemon was started anew.</summary>
        public async Task AgainAsync()
        {
            var before = Device;
            Device = await before.AgainAsync(Daemon.Url);
            await before.DisposeAsync();
        }

        public string[] There()
            => [.. Directory.EnumerateFileSystemEntries(User).Select(p => Path.GetFileName(p)!).Order(StringComparer.Ordinal)];

        public async Task<List<JsonElement>> RowsAsync()
            => [.. (await Owner.ListLedgerAsync(new LedgerListRequest(Limit: 200), CancellationToken.None)).Rows
                .Select(r => JsonDocument.Parse(r.Body).RootElement).Reverse()];

        public Task<TResponse> AskAsync<TRequest, TResponse>(string type, TRequest request)
            => Device.AskAsync(type, request, (JsonTypeInfo<TRequest>)ProtocolJson.Default.GetTypeInfo(typeof(TRequest))!,
                (JsonTypeInfo<TResponse>)ProtocolJson.Default.GetTypeInfo(typeof(TResponse))!);

        public async Task<CloneInfo> BeginAsync(string name, string address, Guid? id = null, string? parent = null)
            => (await AskAsync<ProjectCloneRequest, ProjectCloneResponse>(
                MessageTypes.ProjectClone, new ProjectCloneRequest(id ?? Guid.CreateVersion7(), parent ?? User, name, address))).Cloning;

        public async Task<WireError> RefusedAsync(string name, string address, Guid? id = null, string? parent = null)
            => (await Assert.ThrowsAsync<WireErrorException>(() => BeginAsync(name, address, id, parent))).Error;

        public async Task<CloneInfo> CancelAsync(Guid id) => (await AskAsync<ProjectCloneCancelRequest, ProjectCloneCancelResponse>(
            MessageTypes.ProjectCloneCancel, new ProjectCloneCancelRequest(id))).Cloning;

        public async Task<CloneInfo> EndAsync(CloneInfo begun)
        {
            var now = begun;
            await Wait.UntilAsync(
                async () =>
                {
                    now = (await AskAsync<ProjectCloneGetRequest, ProjectCloneGetResponse>(
                        MessageTypes.ProjectCloneGet, new ProjectCloneGetRequest(begun.CloneId))).Cloning!;
                    return now.State != CloneState.Running;
                },
                "the clone's end");
            return now;
        }

        public async ValueTask DisposeAsync()
        {
            await Device.DisposeAsync();
            await Daemon.DisposeAsync();
            Directory.Delete(folder, recursive: true);
        }

        private void Pass(string step)
        {
            var cut = CutAt;
            if (cut.Length > 0 && (step == cut || step == "clone_clearing"))
            {
                throw new IOException("cut off");
            }
        }
    }
}

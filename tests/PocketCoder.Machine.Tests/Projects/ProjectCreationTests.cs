using System.Runtime.Versioning;
using System.Text.Json;
using PocketCoder.Ledger;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Projects;

/// <summary>A new project whose answer got lost, or whose making was cut off: the same request again makes nothing twice.</summary>
[SupportedOSPlatform("linux")]
public sealed class ProjectCreationTests
{
    private static readonly Guid s_id = Guid.CreateVersion7();

    [Fact]
    public async Task The_same_request_again_gives_the_same_project_and_its_id_is_good_for_nothing_else()
    {
        await using var place = await Place.StartAsync();
        await using var phone = await place.Daemon.PairAsync();
        var made = await CreateAsync(phone, place.User, "shop", true, s_id);
        await File.WriteAllTextAsync(Path.Combine(made.Path, "notes.txt"), "work has begun");
        await using var other = await phone.AgainAsync(place.Daemon.Url);
        Assert.Equal(made.ProjectId, (await CreateAsync(other, place.User, "shop", true, s_id)).ProjectId);
        await place.Daemon.RestartAsync();
        await using var later = await phone.AgainAsync(place.Daemon.Url);
        Assert.Equal(made.ProjectId, (await CreateAsync(later, place.User, "shop", true, s_id)).ProjectId);
        Assert.True(File.Exists(Path.Combine(made.Path, "notes.txt")));

        Assert.Equal(ErrorCode.Conflict, await RefusedAsync(() => CreateAsync(later, place.User, "shop", false, s_id)));
        Assert.Equal(ErrorCode.Conflict, await RefusedAsync(() => CreateAsync(later, place.User, "other", true, s_id)));
        Assert.Equal(ErrorCode.InvalidRequest, await RefusedAsync(() => CreateAsync(later, place.User, "other", true, Guid.Empty)));
        Assert.Equal(ErrorCode.FileExists, await RefusedAsync(() => CreateAsync(later, place.User, "shop", true, Guid.CreateVersion7())));
        Assert.Equal(ErrorCode.FileExists, await RefusedAsync(() => CreateAsync(later, place.User, "shop", true, null)));
        await place.Daemon.Daemon.AsOwner().RemoveProjectAsync(made.ProjectId, CancellationToken.None);
        Assert.Equal(ErrorCode.Conflict, await RefusedAsync(() => CreateAsync(later, place.User, "shop", true, s_id)));

        var rows = (await place.Daemon.Daemon.AsOwner().ListLedgerAsync(new LedgerListRequest(Limit: 200), CancellationToken.None)).Rows
            .Select(r => JsonDocument.Parse(r.Body).RootElement);
        Assert.Single(rows, r => r.GetProperty("kind").GetString() == LedgerKind.ProjectAdded
            && r.GetProperty("data").GetProperty("projectId").GetGuid() == made.ProjectId);
        Assert.Equal(["shop"], Directory.EnumerateDirectories(place.User).Select(Path.GetFileName));
    }

    [Fact]
    public async Task The_same_request_over_two_connections_at_once_makes_one_project()
    {
        await using var place = await Place.StartAsync();
        await using var phone = await place.Daemon.PairAsync();
        await using var other = await phone.AgainAsync(place.Daemon.Url);
        var both = await Task.WhenAll(
            CreateAsync(phone, place.User, "shop", true, s_id), CreateAsync(other, place.User, "shop", true, s_id));
        Assert.Equal(both[0].ProjectId, both[1].ProjectId);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_was_cut_off_after_the_folder_was_made_is_gone_on_with(bool git)
    {
        await using var place = await Place.StartAsync();
        await using var phone = await place.Daemon.PairAsync();
        place.At("creation_folder", static () => throw new IOException("cut off"));
        await RefusedAsync(() => CreateAsync(phone, place.User, "shop", git, s_id));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(place.User, "shop")));
        place.At("", static () => { });
        var made = await CreateAsync(phone, place.User, "shop", git, s_id);
        Assert.Equal(git, File.Exists(Path.Combine(made.Path, ".git", "HEAD")));
        Assert.Equal(made.ProjectId, (await CreateAsync(phone, place.User, "shop", git, s_id)).ProjectId);
    }

    [Fact]
    public async Task A_folder_that_was_made_by_it_is_known_again_with_what_somebody_put_there_meanwhile()
    {
        await using var place = await Place.StartAsync();
        await using var phone = await place.Daemon.PairAsync();
        var note = Path.Combine(place.User, "shop", "note.txt");
        place.At("creation_repository", () =>
        {
            File.WriteAllText(note, "somebody's");
            throw new IOException("cut off");
        });
        await RefusedAsync(() => CreateAsync(phone, place.User, "shop", true, s_id));
        Assert.True(File.Exists(note));
        place.At("", static () => { });
        var made = await CreateAsync(phone, place.User, "shop", true, s_id);
        Assert.True(File.Exists(Path.Combine(made.Path, ".git", "HEAD")));
        Assert.Equal("somebody's", await File.ReadAllTextAsync(note));
    }

    [Fact]
    public async Task A_folder_that_took_its_place_is_left_alone()
    {
        await using var place = await Place.StartAsync();
        await using var phone = await place.Daemon.PairAsync();
        place.At("creation_folder", static () => throw new IOException("cut off"));
        await RefusedAsync(() => CreateAsync(phone, place.User, "shop", true, s_id));
        place.At("", static () => { });
        var head = Path.Combine(place.User, "shop", ".git", "HEAD");
        Directory.CreateDirectory(Path.GetDirectoryName(head)!);
        await File.WriteAllTextAsync(head, "ref: refs/heads/theirs\n");
        Assert.Equal(ErrorCode.FileExists, await RefusedAsync(() => CreateAsync(phone, place.User, "shop", true, s_id)));
        Assert.Equal("ref: refs/heads/theirs\n", await File.ReadAllTextAsync(head));
        Assert.DoesNotContain(
            await place.Daemon.Daemon.AsOwner().ListProjectsAsync(CancellationToken.None), p => p.Path == Path.Combine(place.User, "shop"));
    }

    private static async Task<ProjectInfo> CreateAsync(TestDevice device, string parent, string name, bool git, Guid? id)
        => (await device.AskAsync(
            MessageTypes.ProjectCreate, new ProjectCreateRequest(parent, name, git, id), ProtocolJson.Default.ProjectCreateRequest,
            ProtocolJson.Default.ProjectCreateResponse)).Project;

    private static async Task<ErrorCode> RefusedAsync(Func<Task> ask) => (await Assert.ThrowsAsync<WireErrorException>(ask)).Error.Code;

    /// <summary>A daemon whose user has a home folder of the test's, and which can be cut off at a step.</summary>
    private sealed class Place(string folder) : IAsyncDisposable
    {
        private volatile Cut _cut = new("", static () => { });

        public TestDaemon Daemon { get; private set; } = null!;

        public string User { get; } = Path.Combine(folder, "ada");

        public static async Task<Place> StartAsync()
        {
            var place = new Place(Directory.CreateTempSubdirectory("pc-creation-").FullName);
            Directory.CreateDirectory(place.User);
            place.Daemon = await TestDaemon.StartAsync(seams: s => s with { UserHome = place.User, Seam = place.Pass });
            return place;
        }

        public void At(string step, Action does) => _cut = new Cut(step, does);

        public async ValueTask DisposeAsync()
        {
            await Daemon.DisposeAsync();
            Directory.Delete(folder, recursive: true);
        }

        private void Pass(string step)
        {
            var cut = _cut;
            if (step == cut.Step)
            {
                cut.Does();
            }
        }

        private sealed record Cut(string Step, Action Does);
    }
}

using System.Security.Cryptography;
using PocketCoder.Machine.Attachments;
using PocketCoder.Platform;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Attachments;

/// <summary>Files that go with prompts, from the device to the agent.</summary>
public sealed class AttachmentTests
{
    [Fact]
    public async Task Files_go_with_a_prompt_are_given_to_the_agent_outside_of_the_project_and_can_be_read_again()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var notes = RandomNumberGenerator.GetBytes(700_000);
        var picture = await phone.Device.UploadAsync("Photo 1 <b>.png", Uploads.Png);
        var file = await phone.Device.UploadAsync("notes.txt", notes);
        Assert.Equal(("image/png", "application/octet-stream"), (picture.MediaType, file.MediaType));

        var session = Guid.CreateVersion7();
        var prompt = Guid.CreateVersion7();
        var request = new AgentSessionNewRequest(
            session, prompt, phone.Project.ProjectId, "stub", "hello", Attachments: [picture.AttachmentId, file.AttachmentId]);
        var made = await phone.Device.AskAsync(MessageTypes.AgentSessionNew, request, ProtocolJson.Default.AgentSessionNewRequest,
            ProtocolJson.Default.AgentSessionNewResponse);
        Assert.Equal([picture, file], made.Turn.Attachments);
        await phone.Device.SubscribeAsync($"session/{session}");
        Assert.Equal([picture, file],
            (await phone.Device.NextEventAsync<TurnEvent>(e => e.Turn.State == TurnState.Running)).Turn.Attachments);
        var note = (await phone.Device.NextEventAsync<TextEvent>()).Text;
        Assert.Contains("(image/png, also shown with the prompt)", note, StringComparison.Ordinal);
        var first = (await phone.Device.NextEventAsync<TextEvent>()).Text;
        var path = first[(first.IndexOf(": ", StringComparison.Ordinal) + 2)..^1];
        Assert.EndsWith("/Photo_1__b_.png", path, StringComparison.Ordinal);
        Assert.Contains(path, note, StringComparison.Ordinal);
        Assert.Equal(Uploads.Png, await File.ReadAllBytesAsync(path));
        await phone.DoneAsync();
        Assert.Equal(
            [".git", "README.md"],
            Directory.EnumerateFileSystemEntries(phone.Project.Path).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal));
        Assert.True(OperatingSystem.IsWindows()
            || File.GetUnixFileMode(Path.Combine(daemon.Options.Home.Attachments, file.AttachmentId.ToString("N"))) == PrivateFile.Mode);

        var detail = await phone.GetAsync(session);
        Assert.Equal([picture, file], Assert.Single(detail.Turns).Attachments);
        Assert.Equal([picture, file], (await phone.Device.AskAsync(MessageTypes.AgentSessionNew, request,
            ProtocolJson.Default.AgentSessionNewRequest, ProtocolJson.Default.AgentSessionNewResponse)).Turn.Attachments);
        await using var viewer = await daemon.PairAsync("viewer", Scope.View);
        var part = await viewer.ReadAttachmentAsync(file.AttachmentId, 500_000, 1000);
        Assert.Equal(notes[500_000..501_000], Convert.FromBase64String(part.Data));
        Assert.Equal(700_000, part.Bytes);
    }

    [Fact]
    public async Task A_sandboxed_command_can_read_them_and_not_change_them()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("run: echo ready", SandboxKind.Bubblewrap); // the sandbox is there before the file
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow);
        await phone.DoneAsync();
        var file = await phone.Device.UploadAsync("data.csv", "a,b\n1,2\n"u8.ToArray());
        var folder = daemon.Options.Home.Attached;
        await phone.Device.PromptAsync(session,
            $"run: cat {folder}/*/*/data.csv; echo x > \"$(echo {folder}/*/*/data.csv)\" || echo kept; ls {daemon.Options.Home.Attachments}",
            file.AttachmentId);
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow);
        var output = (await phone.Device.NextEventAsync<ToolResultEvent>(
            e => e.Output.Contains("a,b", StringComparison.Ordinal) || e.Failed)).Output;
        Assert.Contains("a,b\n1,2\n", output, StringComparison.Ordinal);
        Assert.Contains("kept", output, StringComparison.Ordinal);
        Assert.DoesNotContain(file.AttachmentId.ToString("N"), output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_prompt_with_a_file_that_is_not_there_or_not_whole_or_anothers_is_refused_and_changes_nothing()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await using var other = await daemon.PairAsync("other");
        var session = await phone.StartAsync("hello");
        await phone.DoneAsync();
        var whole = await phone.Device.UploadAsync("a.txt", "a"u8.ToArray());
        var theirs = await other.UploadAsync("b.txt", "b"u8.ToArray());
        var half = Guid.CreateVersion7();
        await phone.Device.BeginAsync(half, "c.txt", "cc"u8.ToArray());
        await phone.Device.ChunkAsync(half, 0, "c"u8.ToArray());
        foreach (var bad in (Guid[])[Guid.CreateVersion7(), half, theirs.AttachmentId])
        {
            Assert.Equal(ErrorCode.FileNotFound, (await Assert.ThrowsAsync<WireErrorException>(
                () => phone.Device.PromptAsync(session, "no", whole.AttachmentId, bad))).Error.Code);
        }

        Assert.Equal(ErrorCode.InvalidRequest, (await Assert.ThrowsAsync<WireErrorException>(
            () => phone.Device.PromptAsync(session, "twice", whole.AttachmentId, whole.AttachmentId))).Error.Code);
        var newSession = new AgentSessionNewRequest(
            Guid.CreateVersion7(), Guid.CreateVersion7(), phone.Project.ProjectId, "stub", "no", Attachments: [half]);
        Assert.Equal(ErrorCode.FileNotFound, (await Assert.ThrowsAsync<WireErrorException>(
            () => phone.Device.AskAsync(MessageTypes.AgentSessionNew, newSession, ProtocolJson.Default.AgentSessionNewRequest,
                ProtocolJson.Default.AgentSessionNewResponse))).Error.Code);
        Assert.Equal(ErrorCode.SessionNotFound,
            (await Assert.ThrowsAsync<WireErrorException>(() => phone.GetAsync(newSession.AgentSessionId))).Error.Code);
        Assert.Single((await phone.GetAsync(session)).Turns);

        // Nobody else reads what went with no prompt.
        Assert.Equal(ErrorCode.FileNotFound,
            (await Assert.ThrowsAsync<WireErrorException>(() => other.ReadAttachmentAsync(whole.AttachmentId))).Error.Code);
        Assert.Equal(ErrorCode.FileNotFound,
            (await Assert.ThrowsAsync<WireErrorException>(() => other.ChunkAsync(half, 1, "x"u8.ToArray()))).Error.Code);
    }

    [Fact]
    public async Task A_picture_that_no_model_takes_is_refused_with_the_reason()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("hello");
        await phone.DoneAsync();
        byte[] large = [.. Uploads.Png, .. new byte[AttachmentLimits.ImageBytes]];
        var picture = await phone.Device.UploadAsync("large.png", large);
        var refused = await Assert.ThrowsAsync<WireErrorException>(() => phone.Device.PromptAsync(session, "look", picture.AttachmentId));
        Assert.Equal(ErrorCode.FileTooLarge, refused.Error.Code);
        Assert.Contains("large.png", refused.Error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Too_large_too_many_and_badly_named_files_are_refused_and_removing_makes_room()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var device = await daemon.PairAsync();
        var sha = new string('a', 64);
        async Task<ErrorCode> RefusedAsync(AttachmentBeginRequest request) => (await Assert.ThrowsAsync<WireErrorException>(
            () => device.AskAsync(MessageTypes.AttachmentBegin, request, ProtocolJson.Default.AttachmentBeginRequest,
                ProtocolJson.Default.AttachmentBeginResponse))).Error.Code;
        Assert.Equal(ErrorCode.FileTooLarge, await RefusedAsync(new(Guid.CreateVersion7(), "a", AttachmentLimits.FileBytes + 1, sha)));
        foreach (var name in (string[])["", ".", "..", "a/b", "a\\b", "a\nb", new string('n', 201)])
        {
            Assert.Equal(ErrorCode.InvalidRequest, await RefusedAsync(new(Guid.CreateVersion7(), name, 1, sha)));
        }

        Assert.Equal(ErrorCode.InvalidRequest, await RefusedAsync(new(Guid.CreateVersion7(), "a", 1, "AA")));
        Assert.Equal(ErrorCode.InvalidRequest, await RefusedAsync(new(Guid.Empty, "a", 1, sha)));
        var ids = Enumerable.Range(0, AttachmentLimits.StagedBytes / AttachmentLimits.FileBytes).Select(_ => Guid.CreateVersion7())
            .ToList();
        foreach (var id in ids)
        {
            await device.AskAsync(MessageTypes.AttachmentBegin, new(id, "a", AttachmentLimits.FileBytes, sha),
                ProtocolJson.Default.AttachmentBeginRequest, ProtocolJson.Default.AttachmentBeginResponse);
        }

        Assert.Equal(ErrorCode.DaemonBusy, await RefusedAsync(new(Guid.CreateVersion7(), "a", 1, sha)));
        Assert.Equal(ErrorCode.Conflict, await RefusedAsync(new(ids[0], "b", AttachmentLimits.FileBytes, sha)));
        async Task<bool> DiscardAsync(Guid id) => (await device.AskAsync(
            MessageTypes.AttachmentDiscard, new AttachmentDiscardRequest(id), ProtocolJson.Default.AttachmentDiscardRequest,
            ProtocolJson.Default.AttachmentDiscardResponse)).Discarded;
        Assert.True(await DiscardAsync(ids[0]));
        Assert.False(await DiscardAsync(ids[0]));
        await device.BeginAsync(Guid.CreateVersion7(), "a", "x"u8.ToArray());
    }

    [Fact]
    public async Task An_upload_goes_on_where_it_was_after_a_crash_and_after_the_connection_broke()
    {
        await using var daemon = await TestDaemon.StartAsync();
        var phone = await daemon.PhoneAsync();
        var bytes = RandomNumberGenerator.GetBytes(400_000);
        var id = Guid.CreateVersion7();
        Assert.Equal(0, (await phone.Device.BeginAsync(id, "x.bin", bytes)).Offset);
        await phone.Device.ChunkAsync(id, 0, bytes.AsMemory(0, 150_000));
        await daemon.RestartAsync();
        await using var again = await phone.Device.AgainAsync(daemon.Url);
        await phone.DisposeAsync();
        Assert.Equal(150_000, (await again.BeginAsync(id, "x.bin", bytes)).Offset);
        var early = await Assert.ThrowsAsync<WireErrorException>(() => again.EndAsync(id));
        Assert.Equal("150000", early.Error.Details!["offset"]);
        Assert.Equal(200_000, await again.ChunkAsync(id, 100_000, bytes.AsMemory(100_000, 100_000))); // some of it again
        Assert.Equal(400_000, await again.ChunkAsync(id, 200_000, bytes.AsMemory(200_000)));
        var whole = await again.EndAsync(id);
        Assert.Equal(whole, await again.EndAsync(id));
        Assert.Equal(400_000, await again.ChunkAsync(id, 0, bytes.AsMemory(0, 10)));
        Assert.Equal(whole, (await again.BeginAsync(id, "x.bin", bytes)).Attachment);
        Assert.Equal(bytes, Convert.FromBase64String((await again.ReadAttachmentAsync(id)).Data));
    }

    [Fact]
    public async Task What_a_crash_tore_is_found_out_at_the_end_and_begun_anew()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var device = await daemon.PairAsync();
        var bytes = RandomNumberGenerator.GetBytes(5000);
        var id = Guid.CreateVersion7();
        await device.BeginAsync(id, "x.bin", bytes);
        await device.ChunkAsync(id, 0, bytes);
        var part = Path.Combine(daemon.Options.Home.Attachments, id.ToString("N") + ".part");
        await File.WriteAllBytesAsync(part, new byte[5000]); // the length was written, the bytes were not
        var torn = await Assert.ThrowsAsync<WireErrorException>(() => device.EndAsync(id));
        Assert.Equal((ErrorCode.Conflict, "0"), (torn.Error.Code, torn.Error.Details!["offset"]));
        Assert.Equal(0, (await device.BeginAsync(id, "x.bin", bytes)).Offset);
        await device.ChunkAsync(id, 0, bytes);
        Assert.Equal(5000, (await device.EndAsync(id)).Bytes);
    }

    [Fact]
    public async Task What_went_with_no_prompt_for_a_day_is_thrown_away_and_what_did_stays()
    {
        var time = new ManualTime();
        await using var daemon = await TestDaemon.StartAsync(time);
        await using var phone = await daemon.PhoneAsync();
        var used = await phone.Device.UploadAsync("used.txt", "u"u8.ToArray());
        var left = await phone.Device.UploadAsync("left.txt", "l"u8.ToArray());
        var begun = Guid.CreateVersion7();
        await phone.Device.BeginAsync(begun, "begun.txt", "bb"u8.ToArray());
        await phone.Device.ChunkAsync(begun, 0, "b"u8.ToArray());
        var session = await phone.StartAsync("hello");
        await phone.DoneAsync();
        await phone.Device.PromptAsync(session, "with a file", used.AttachmentId);
        await phone.DoneAsync();
        time.Advance(TimeSpan.FromHours(25));
        await phone.Device.BeginAsync(Guid.CreateVersion7(), "new.txt", "n"u8.ToArray());
        Assert.Equal("u", System.Text.Encoding.UTF8.GetString(
            Convert.FromBase64String((await phone.Device.ReadAttachmentAsync(used.AttachmentId)).Data)));
        foreach (var gone in (Guid[])[left.AttachmentId, begun])
        {
            Assert.Equal(ErrorCode.FileNotFound,
                (await Assert.ThrowsAsync<WireErrorException>(() => phone.Device.EndAsync(gone))).Error.Code);
            Assert.Empty(Directory.EnumerateFiles(daemon.Options.Home.Attachments, gone.ToString("N") + "*"));
        }
    }

    [Fact]
    public async Task Any_order_and_size_of_pieces_ends_in_the_same_file_or_a_refusal()
    {
        var seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        await using var daemon = await TestDaemon.StartAsync();
        await using var device = await daemon.PairAsync();
        for (var round = 0; round < 25; round++)
        {
            var bytes = new byte[random.Next(0, 3000)];
            random.NextBytes(bytes);
            var id = Guid.CreateVersion7();
            var has = (await device.BeginAsync(id, "f", bytes)).Offset;
            for (var i = 0; i < 25; i++)
            {
                var offset = random.Next(-2, bytes.Length + 3);
                var length = random.Next(0, 700);
                var fits = offset >= 0 && offset <= has && length > 0 && offset + length <= bytes.Length;
                var data = offset >= 0 && offset + length <= bytes.Length ? bytes.AsMemory(offset, length) : new byte[length];
                if (fits)
                {
                    has = Math.Max(has, offset + length);
                    Assert.Equal(has, await device.ChunkAsync(id, offset, data));
                }
                else
                {
                    var refused = await Assert.ThrowsAsync<WireErrorException>(() => device.ChunkAsync(id, offset, data));
                    Assert.Contains(refused.Error.Code, (ErrorCode[])[ErrorCode.Conflict, ErrorCode.InvalidRequest]);
                }
            }

            while (has < bytes.Length)
            {
                has = await device.ChunkAsync(id, has, bytes.AsMemory((int)has, Math.Min(500, bytes.Length - (int)has)));
            }

            await device.EndAsync(id);
            Assert.Equal(bytes, Convert.FromBase64String((await device.ReadAttachmentAsync(id)).Data));
        }
    }

    [Theory]
    [InlineData("image/jpeg", new byte[] { 0xFF, 0xD8, 0xFF, 0xE0 })]
    [InlineData("image/gif", new byte[] { (byte)'G', (byte)'I', (byte)'F', (byte)'8', (byte)'9', (byte)'a', 0 })]
    [InlineData("image/webp",
        new byte[] { (byte)'R', (byte)'I', (byte)'F', (byte)'F', 1, 2, 3, 4, (byte)'W', (byte)'E', (byte)'B', (byte)'P' })]
    [InlineData("application/pdf", new byte[] { (byte)'%', (byte)'P', (byte)'D', (byte)'F', (byte)'-', (byte)'1' })]
    [InlineData("application/octet-stream", new byte[] { (byte)'a', 0 })]
    [InlineData("application/octet-stream", new byte[] { 0xFF, 0xFE, (byte)'a' })]
    [InlineData("text/plain", new byte[0])]
    public void The_type_is_told_by_the_bytes(string type, byte[] bytes) => Assert.Equal(type, MediaTypes.Of(bytes));

    [Fact]
    public void An_svg_is_text_and_text_may_be_cut_within_a_character()
    {
        Assert.Equal("text/plain", MediaTypes.Of("<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>"u8));
        var text = System.Text.Encoding.UTF8.GetBytes(new string('a', MediaTypes.LookedAt - 1) + "日");
        Assert.Equal("text/plain", MediaTypes.Of(text.AsSpan(0, MediaTypes.LookedAt)));
        Assert.False(MediaTypes.IsPicture("image/svg+xml"));
    }
}

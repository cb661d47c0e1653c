using Microsoft.Extensions.Logging.Abstractions;
using PocketCoder.Entry;
using PocketCoder.Machine.Entries;
using PocketCoder.Machine.Git.Transfers;
using PocketCoder.Machine.Models;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;
using PocketCoder.Testing;

namespace PocketCoder.Machine.Tests.Entries;

/// <summary>What an entry point gets of the machine besides people: its secret, and an end.</summary>
public sealed class EntryMachineTests
{
    private const string Secret = "app-secret-of-mine-0123456789";

    [Fact]
    public async Task An_entry_point_gets_its_own_secret_as_it_is_now_and_no_other()
    {
        var (here, there) = (new ChatRoom("chat"), new ChatRoom("other"));
        await using var daemon = await TestDaemon.StartAsync(more: o => o with { EntryPoints = [here, there] });
        var (machine, elsewhere) = (await here.MachineAsync(), await there.MachineAsync());
        var owner = daemon.Daemon.AsOwner();
        Assert.Null(await machine.SecretAsync(EntrySecretKind.App, CancellationToken.None));

        await owner.SetSecretAsync("chat-app-secret", Secret, CancellationToken.None);
        Assert.Equal(
            (Secret, null),
            (await machine.SecretAsync(EntrySecretKind.App, CancellationToken.None),
                await elsewhere.SecretAsync(EntrySecretKind.App, CancellationToken.None)));
        await owner.SetSecretAsync("chat-app-secret", "another-of-mine", CancellationToken.None);
        Assert.Equal("another-of-mine", await machine.SecretAsync(EntrySecretKind.App, CancellationToken.None));
        await owner.RemoveSecretAsync("chat-app-secret", CancellationToken.None);
        Assert.Null(await machine.SecretAsync(EntrySecretKind.App, CancellationToken.None));
    }

    /// <summary>
    /// Secrets leave the machine by the name of a provider, or by the name of a git host. Whoever adds a way looks whether it can lead to
    /// these.
    /// </summary>
    [Theory]
    [InlineData("feishu")]
    [InlineData("anthropic")]
    [InlineData("abcdefghijklmnopqrst")]
    public void The_name_of_such_a_secret_is_no_providers_and_no_git_hosts(string platform)
    {
        var name = EntrySecret.NameOf(platform);
        Assert.DoesNotContain(name, ModelProviders.All);
        Assert.Null(GitTokens.PlaceOf(name));
        Assert.InRange(name.Length, 1, 64); // of a secret's name
    }

    [Fact]
    public async Task No_command_of_an_agent_has_the_secret_and_nothing_that_is_shown_or_logged()
    {
        var room = new ChatRoom();
        await using var daemon = await room.StartAsync();
        await daemon.Daemon.AsOwner().SetSecretAsync("chat-app-secret", Secret, CancellationToken.None);
        await daemon.RestartAsync();
        await using var phone = await daemon.PhoneAsync();
        await File.WriteAllTextAsync(phone.PathOf("kept.txt"), Secret);
        await phone.StartAsync("run: env > env.txt; cat kept.txt");
        var asked = await phone.AskedAsync();
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        var result = await phone.Device.NextEventAsync<ToolResultEvent>();
        await phone.DoneAsync();

        Assert.StartsWith("[secret:chat-app-secret]", result.Output, StringComparison.Ordinal);
        Assert.Contains("PATH=", await File.ReadAllTextAsync(phone.PathOf("env.txt")), StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, await File.ReadAllTextAsync(phone.PathOf("env.txt")), StringComparison.Ordinal);
        var rows = await daemon.Daemon.AsOwner().ListLedgerAsync(new LedgerListRequest(Limit: 200), CancellationToken.None);
        Assert.All(rows.Rows, r => Assert.DoesNotContain(Secret, r.Body, StringComparison.Ordinal));
        Assert.DoesNotContain(Secret, daemon.Log.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nobody_comes_in_once_the_machine_stops()
    {
        var room = new ChatRoom();
        await using var daemon = await room.StartAsync();
        await using var guest = await room.EnterAsync(daemon);
        var machine = await room.MachineAsync();
        await daemon.Daemon.StopAsync("by a test");

        Assert.True(guest.Person.Over.IsCancellationRequested);
        var refused = await Assert.ThrowsAsync<EntryRefusal>(() => machine.OpenAsync("ou_ada", CancellationToken.None));
        Assert.Equal(ErrorCode.Unavailable, refused.Error.Code);
    }

    [Fact]
    public async Task Who_is_just_coming_in_when_the_entry_point_ends_is_refused_and_left_nowhere()
    {
        using var released = new ManualResetEventSlim();
        var (held, holds) = (new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), false);
        var room = new ChatRoom();
        await using var daemon = await TestDaemon.StartAsync(more: o => o with { EntryPoints = [room] }, seams: s => s with
        {
            Seam = step =>
            {
                if (holds && step == "commit")
                {
                    held.TrySetResult();
                    Assert.True(released.Wait(Wait.Limit), "nobody let it go on");
                }
            },
        });
        await (await room.EnterAsync(daemon)).DisposeAsync();
        var machine = await room.MachineAsync();
        holds = true;
        var opening = Task.Run(() => machine.OpenAsync("ou_ada", CancellationToken.None));
        await held.Task.WaitAsync(Wait.Limit);
        await ((EntryMachine)machine).DisposeAsync();
        holds = false;
        released.Set();

        var refused = await Assert.ThrowsAsync<EntryRefusal>(() => opening.WaitAsync(Wait.Limit));
        Assert.Equal(ErrorCode.Unavailable, refused.Error.Code);
        Assert.False(Assert.Single(await daemon.Daemon.AsOwner().ListDevicesAsync(CancellationToken.None)).Connected);
    }

    [Fact]
    public async Task What_an_entry_point_says_of_the_platform_is_the_answer_and_one_that_says_nothing_is_given_up()
    {
        var time = new ManualTime();
        var room = new ChatRoom { Test = _ => throw new EntryRefusal(new WireError(ErrorCode.Unavailable, "It does not take the secret.")) };
        var run = Run(room, time);
        var refused = await Assert.ThrowsAsync<RequestFailure>(() => run.TestAsync(CancellationToken.None));
        Assert.Equal((ErrorCode.Unavailable, "It does not take the secret."), (refused.Error.Code, refused.Error.Message));

        room.Test = _ => new TaskCompletionSource<IReadOnlyList<string>>().Task; // looks at no cancellation either
        var asking = run.TestAsync(CancellationToken.None);
        time.Advance(EntryRun.TestLimit);
        var silent = await Assert.ThrowsAsync<RequestFailure>(() => asking.WaitAsync(Wait.Limit));
        Assert.Equal((ErrorCode.Unavailable, "chat said nothing within 25 s."), (silent.Error.Code, silent.Error.Message));

        using var gone = new CancellationTokenSource();
        asking = run.TestAsync(gone.Token);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking.WaitAsync(Wait.Limit));
    }

    [Fact]
    public async Task One_that_failed_says_so_itself_whatever_it_said_before()
    {
        var time = new ManualTime();
        var run = Run(new ChatRoom(run: (_, _) => throw new InvalidOperationException("its own matter")), time);
        Assert.Equal(EntryState.Ready, run.Status.State);
        await run.RunAsync(CancellationToken.None);
        Assert.Equal((EntryState.Failed, time.GetUtcNow()), (run.Status.State, run.Status.Since));
        Assert.DoesNotContain("its own matter", run.Status.Reason, StringComparison.Ordinal);
    }

    private static EntryRun Run(ChatRoom room, TimeProvider time) => new(
        room, new EntryMachine(room.Platform, null!, null!, null!, null!, null!, null!, time, NullLogger.Instance), text => text, time,
        NullLogger.Instance);
}

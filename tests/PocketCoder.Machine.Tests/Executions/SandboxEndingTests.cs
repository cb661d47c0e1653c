using PocketCoder.Sandboxes;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Network;
using PocketCoder.Machine.Paths;
using PocketCoder.Machine.SessionLinks;
using PocketCoder.Protocol;
using PocketCoder.Testing;

namespace PocketCoder.Machine.Tests.Executions;

/// <summary>A sandbox that is asked for while the one before it ends: it is made after that, whoever asks and however often.</summary>
public sealed class SandboxEndingTests
{
    [Fact]
    public async Task Who_comes_back_while_it_ends_waits_and_gets_a_new_one()
    {
        var backend = new SlowBackend();
        await using var service = Sandbox(backend);
        var wanted = new SandboxWanted(Guid.CreateVersion7(), Guid.CreateVersion7(), SandboxKind.None, "/");
        var first = await service.GetAsync(wanted, CancellationToken.None);
        backend.Hold();
        var ending = service.EndAsync(wanted.Session);
        var next = service.GetAsync(wanted, CancellationToken.None);
        Assert.False(next.IsCompleted);
        backend.Release();
        await ending.WaitAsync(Wait.Limit);
        var second = await next.WaitAsync(Wait.Limit);
        Assert.NotSame(first, second);
        Assert.Equal((false, true), (first.IsAlive, second.IsAlive));
    }

    [Fact]
    public async Task Who_has_just_got_it_keeps_it_although_another_use_ends_at_the_same_time()
    {
        await using var service = Sandbox(new SlowBackend());
        for (var round = 0; round < 500; round++)
        {
            var wanted = new SandboxWanted(Guid.CreateVersion7(), Guid.CreateVersion7(), SandboxKind.None, "/");
            await service.GetAsync(wanted, CancellationToken.None, SandboxUse.Terminals);
            var ending = Task.Run(() => service.EndAsync(wanted.Session, SandboxUse.Terminals));
            var got = await Task.Run(() => service.GetAsync(wanted, CancellationToken.None)).WaitAsync(Wait.Limit);
            await ending.WaitAsync(Wait.Limit);
            Assert.True(got.IsAlive, $"round {round}");
        }
    }

    [Fact]
    public async Task Whatever_is_asked_at_once_there_is_never_a_second_one_and_nothing_waits_for_ever()
    {
        const int Seed = 20261123;
        var random = new Random(Seed);
        var backend = new SlowBackend();
        await using var service = Sandbox(backend);
        for (var round = 0; round < 200; round++)
        {
            var wanted = new SandboxWanted(Guid.CreateVersion7(), Guid.CreateVersion7(), SandboxKind.None, "/");
            var steps = Enumerable.Range(0, 12).Select(_ => random.Next(4)).ToList();
            await Task.WhenAll(steps.Select(step => Task.Run(async () =>
            {
                switch (step)
                {
                    case 0:
                        await service.EndAsync(wanted.Session);
                        break;
                    case 1:
                        await service.EndAsync(wanted.Session, SandboxUse.Terminals);
                        break;
                    case 2:
                        ((SlowSandbox)await service.GetAsync(wanted, CancellationToken.None)).Die();
                        break;
                    default:
                        await service.GetAsync(wanted, CancellationToken.None, SandboxUse.Terminals);
                        break;
                }
            }))).WaitAsync(Wait.Limit);
            Assert.True((await service.GetAsync(wanted, CancellationToken.None).WaitAsync(Wait.Limit)).IsAlive,
                $"seed {Seed}, round {round}");
        }
    }

    private static SandboxService Sandbox(ISandboxBackend backend)
        => new([backend], SandboxKind.None, new NetworkService(null!, null!, new LiveSessions(), TimeProvider.System),
            new WorktreeLinks(), Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);

    /// <summary>One folder a sandbox, as the real ones have it: what is not removed yet is in the way.</summary>
    private sealed class SlowBackend : ISandboxBackend
    {
        private readonly Lock _gate = new();
        private readonly HashSet<string> _folders = new(StringComparer.Ordinal);
        private TaskCompletionSource? _held;

        public SandboxKind Kind => SandboxKind.None;

        public void Hold() => _held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Release() => _held!.SetResult();

        public Task<SandboxProbe> ProbeAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

        public async Task<ISandbox> CreateAsync(SandboxSpec spec, CancellationToken cancellationToken)
        {
            lock (_gate)
            {
                if (!_folders.Add(spec.Id))
                {
                    throw new SandboxException(SandboxError.Exists, $"The sandbox {spec.Id} already exists.");
                }
            }

            await Task.Yield();
            return new SlowSandbox(spec.Id, RemoveAsync);
        }

        public Task<IReadOnlyList<ISandbox>> RecoverAsync(CancellationToken cancellationToken)
            => Task.FromResult<IReadOnlyList<ISandbox>>([]);

        private async Task RemoveAsync(string id)
        {
            await (_held?.Task ?? Task.CompletedTask);
            await Task.Yield();
            lock (_gate)
            {
                _folders.Remove(id);
            }
        }
    }

    private sealed class SlowSandbox(string id, Func<string, Task> remove) : ISandbox
    {
        private int _dead;
        private int _removed;

        public string Id => id;

        public SandboxKind Kind => SandboxKind.None;

        public bool IsAlive => Volatile.Read(ref _dead) == 0;

        public string? SocketDirectory => null;

        public IReadOnlyList<ISandboxExec> Recovered => [];

        public void Die() => Volatile.Write(ref _dead, 1);

        public Task<ISandboxExec> ExecAsync(ExecSpec spec, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<ITerminal> OpenTerminalAsync(TerminalSpec spec, CancellationToken cancellationToken)
            => throw new NotSupportedException();

        public Task<IReadOnlyList<TerminalFound>> TerminalsAsync(CancellationToken cancellationToken)
            => Task.FromResult<IReadOnlyList<TerminalFound>>([]);

        public async Task KillAsync(CancellationToken cancellationToken)
        {
            Die();
            if (Interlocked.Exchange(ref _removed, 1) == 0)
            {
                await remove(id);
            }
        }
    }
}

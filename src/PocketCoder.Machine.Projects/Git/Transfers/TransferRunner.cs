using PocketCoder.Broker.Secrets;
using PocketCoder.Git;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Git.Transfers;

/// <summary>What the ways out need of the machine.</summary>
/// <param name="SshOptions">Further arguments of the owner's ssh.</param>
/// <param name="Secret">A named secret's value, or null.</param>
public sealed record TransferSettings(IReadOnlyList<string> SshOptions, HttpsSettings Https, Func<string, string?> Secret);

/// <summary>Runs git with its way to the one repository that was allowed, and none else. Thread-safe.</summary>
internal sealed class TransferRunner(Store store, TransferSettings ways, TimeProvider time)
{
    /// <summary>How git names the other side in its sandbox; where that is, is decided outside.</summary>
    public const string Bridged = "ssh://bridge/repository";

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(120);

    /// <summary>A host that always wants a token, and none is there: said before anybody is asked.</summary>
    /// <exception cref="RequestFailure">GIT_AUTH_REQUIRED</exception>
    public void RequireToken(RemoteAddress address)
    {
        if (address.TokenName is { } name && Token(name) is null)
        {
            throw GitErrors.ToRequest(new GitException(GitError.AuthRequired,
                $"Pushing to that host needs a token. On the machine, run: pocketcoder git-token set {address.Place}"));
        }
    }

    /// <exception cref="RequestFailure">As the codes say.</exception>
    public Task RunAsync(GitRepository repo, string service, RemoteAddress address, PushGate? gate, IReadOnlyList<string> arguments,
        CancellationToken cancellationToken) => RunAsync(
            repo, service, address, gate,
            new GitCommand([.. arguments])
            {
                TimeLimit = s_limit,
                Said = new TransferProgress(text => store.Announce(new GitProgress(repo.Project.ProjectId, text)), time).Hear,
            },
            cancellationToken);

    /// <summary>The same with a limit of time of its own, and somebody else who hears how far it is.</summary>
    /// <param name="command">Writes.</param>
    /// <exception cref="RequestFailure">As the codes say.</exception>
    public async Task<GitResult> RunAsync(
        GitRepository repo, string service, RemoteAddress address, PushGate? gate, GitCommand command, CancellationToken cancellationToken)
    {
        await using TransferBridge bridge = address.TokenName is { } name
            ? new HttpsBridge(service, address, Token(name), ways.Https, gate)
            : new SshBridge(service, address, ways.SshOptions, gate, time);
        var socket = await ListenAsync(repo, bridge, cancellationToken);
        try
        {
            return await repo.RunAsync(
                command with
                {
                    Writes = true,
                    Environment = new Dictionary<string, string>(StringComparer.Ordinal)
                    {
                        ["GIT_SSH_COMMAND"] = TransferBridge.Command(socket),
                        ["GIT_ALLOW_PROTOCOL"] = "ssh",
                        ["GIT_PROTOCOL"] = "version=0",
                    },
                },
                cancellationToken);
        }
        catch (RequestFailure e) when (bridge.WasRefused)
        {
            throw new RequestFailure(ErrorCode.PermissionDenied, bridge.Words, e.Error.Details);
        }
        catch (RequestFailure) when (bridge.Failure is { } failure)
        {
            throw GitErrors.ToRequest(failure);
        }
        catch (RequestFailure e) when (address.TokenName is null && e.Error.Code == ErrorCode.GitError
            && bridge.Words.Trim() is { Length: > 0 } words)
        {
            throw GitErrors.ToRequest(GitFailures.OfWords("ssh", words)); // ssh knows better why
        }
    }

    private static async Task<string> ListenAsync(GitRepository repo, TransferBridge bridge, CancellationToken cancellationToken)
    {
        var name = $"g{Guid.CreateVersion7().ToString("N")[^8..]}"; // short: a socket's path has few bytes
        if (repo.Sandbox == SandboxKind.None)
        {
            var path = Path.Combine(Path.GetTempPath(), name);
            bridge.Listen(path, others: false);
            return path;
        }

        var sandbox = await repo.WritingSandboxAsync(cancellationToken);
        if (sandbox.SocketDirectory is not { } folder)
        {
            throw new RequestFailure(ErrorCode.SandboxUnavailable, "This kind of sandbox has no network access. Only bubblewrap has.");
        }

        bridge.Listen(Path.Combine(folder, name), others: Environment.IsPrivilegedProcess);
        return $"{PocketCoder.Sandboxes.SandboxDefaults.SocketsInside}/{name}";
    }

    private string? Token(string name)
    {
        try
        {
            return ways.Secret(name);
        }
        catch (SecretException e)
        {
            throw new RequestFailure(ErrorCode.Unavailable, $"The token can't be read: {e.Message}.");
        }
    }
}

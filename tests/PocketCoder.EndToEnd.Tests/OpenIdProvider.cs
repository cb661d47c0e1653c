using System.Diagnostics;
using PocketCoder.Testing;
using PocketCoder.Testing.Agents;

namespace PocketCoder.EndToEnd.Tests;

/// <summary>
/// A provider of OpenID Connect that others wrote, as a process (tests/agents). Whoever names themselves there is who they say.
/// </summary>
internal sealed class OpenIdProvider : IAsyncDisposable
{
    private readonly Process _node;

    private OpenIdProvider(Process node, string issuer) => (_node, Issuer) = (node, issuer);

    public string Issuer { get; }

    public static async Task<OpenIdProvider> StartAsync(string client, string secret, string redirect)
    {
        var port = Ports.Free();
        var info = new ProcessStartInfo("node")
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in (string[])[
            Repository.PathOf("tests/PocketCoder.EndToEnd.Tests/openid-provider.mjs"), await RealAgents.ModulesAsync(), $"{port}", client,
            secret, redirect])
        {
            info.ArgumentList.Add(argument);
        }

        var isReady = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var node = new Process { StartInfo = info };
        node.ErrorDataReceived += static (_, _) => { }; // it warns that it is for tests
        node.OutputDataReceived += (_, line) =>
        {
            if (line.Data is null or "ready")
            {
                isReady.TrySetResult(); // or it ended, and nobody listens
            }
        };
        node.Start();
        node.StandardInput.Close();
        node.BeginErrorReadLine();
        node.BeginOutputReadLine();
        var provider = new OpenIdProvider(node, $"http://127.0.0.1:{port}");
        try
        {
            await isReady.Task.WaitAsync(Wait.Limit);
            return provider;
        }
        catch
        {
            await provider.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _node.Kill();
        await _node.WaitForExitAsync();
        _node.Dispose();
    }
}

using PocketCoder.Protocol;

namespace PocketCoder.Sandboxes.Bubblewrap;

/// <summary>Starts the real thing with a project of its own and looks from inside.</summary>
internal sealed class BubblewrapProbe(BubblewrapBackend backend, SandboxOptions options)
{
    public async Task<SandboxProbe> RunAsync(CancellationToken cancellationToken)
    {
        var facts = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var reasons = new List<string>();
        var usable = true;
        if (backend.MissingProgram(relays: false) is { } missing)
        {
            reasons.Add(missing);
            usable = false;
        }
        else
        {
            usable = await TryAsync(facts, reasons, cancellationToken);
        }

        if (backend.MissingProgram(relays: true) is not null && usable)
        {
            reasons.Add("socat is missing, so programs inside can't reach the proxy by a port: sudo apt-get install socat");
        }

        if (backend.Groups.Reason is { } reason)
        {
            reasons.Add(reason);
        }

        facts["limits"] = backend.Groups.Source.ToString();
        return new SandboxProbe(SandboxKind.Bubblewrap, usable, reasons, facts, backend.Groups.Source);
    }

    private async Task<bool> TryAsync(SortedDictionary<string, string> facts, List<string> reasons, CancellationToken cancellationToken)
    {
        var id = $"probe-{Guid.CreateVersion7():N}";
        var workspace = Path.Combine(options.StateDirectory, "users", id); // never taken for a session
        ISandbox? sandbox = null;
        try
        {
            // As ordinary user it is ours; as root the id-mapped way is tried with it, which is the harder one.
            backend.PrepareStateDirectory();
            Directory.CreateDirectory(workspace, SessionFolder.Private);
            sandbox = await backend.CreateAsync(
                new SandboxSpec { Id = id, Workspace = workspace, WorkspaceInside = "/work" }, cancellationToken);
            return InsideChecks.Judge(
                await InsideChecks.RunAsync(sandbox, hasFilter: true, hasOwnNamespaces: true, cancellationToken), facts, reasons);
        }
        catch (SandboxException e)
        {
            reasons.Add(e.Message);
            reasons.AddRange(Hints());
            return false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            reasons.Add($"{options.StateDirectory} can't be used: {e.Message}");
            return false;
        }
        finally
        {
            if (sandbox is not null)
            {
                await sandbox.KillAsync(CancellationToken.None);
            }

            if (Directory.Exists(workspace))
            {
                Directory.Delete(workspace, recursive: true);
            }
        }
    }

    /// <summary>The known ways in which a system forbids user namespaces.</summary>
    private static IEnumerable<string> Hints()
    {
        if (Setting("/proc/sys/user/max_user_namespaces") == "0")
        {
            yield return "User namespaces are switched off: sysctl user.max_user_namespaces=15000";
        }

        if (Setting("/proc/sys/kernel/unprivileged_userns_clone") == "0")
        {
            yield return "Ordinary users can't create user namespaces: sysctl kernel.unprivileged_userns_clone=1";
        }

        if (Setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1")
        {
            yield return "AppArmor denies user namespaces to programs without a profile: give bwrap one that allows userns (/etc/apparmor.d/bwrap).";
        }
    }

    private static string? Setting(string path)
    {
        try
        {
            return File.ReadAllText(path).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}

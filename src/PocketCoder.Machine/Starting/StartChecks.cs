using PocketCoder.Broker.Secrets;
using PocketCoder.Channels;
using PocketCoder.Ledger;
using PocketCoder.Machine.Entries;
using PocketCoder.Machine.Models;
using PocketCoder.Machine.Providers;
using PocketCoder.Platform;

namespace PocketCoder.Machine.Starting;

/// <summary>
/// What a start needs of the home, as one list: <c>start</c> refuses with the first problem in it, and <c>doctor</c> shows all of it, so
/// that neither says well where the other refuses. Changes nothing.
/// </summary>
public static class StartChecks
{
    /// <summary>Looks at everything.</summary>
    /// <param name="thorough">Also lets SQLite look through the whole database, unless a daemon has it. A start does so only when the last
    /// one did not close it.</param>
    public static IReadOnlyList<StartCheck> Run(Home home, bool thorough)
    {
        var folder = Folder(home);
        if (folder.Problem is not null || !Directory.Exists(home.Root))
        {
            return [folder];
        }

        var files = Files(home);
        return files.Problem is not null ? [folder, files]
            : [folder, files, Key(home), Secrets(home), Prices(home), Providers(home), Feishu(home), Database(home, thorough)];
    }

    /// <summary>
    /// Whether the home is a directory of this user's own in which everything can be read and written: what comes before the first file is
    /// opened.
    /// </summary>
    /// <exception cref="HomeRefusal">It is not; the message says why and what to do.</exception>
    public static void RequireUsable(Home home)
        => Require(Folder(home) is { Problem: null } folder && Directory.Exists(home.Root) ? [folder, Files(home)] : [Folder(home)]);

    /// <summary>Everything that a start needs.</summary>
    /// <exception cref="HomeRefusal">Something is missing; the message says what and what to do.</exception>
    public static void Require(Home home) => Require(Run(home, thorough: false));

    private static void Require(IReadOnlyList<StartCheck> checks)
    {
        if (checks.Select(c => c.Problem).FirstOrDefault(p => p is not null) is { } problem)
        {
            throw new HomeRefusal(problem.ToString());
        }
    }

    private static StartCheck Folder(Home home)
    {
        const string name = "home";
        if (File.Exists(home.Root))
        {
            return new(name, home.Root, new($"{home} is a file, and PocketCoder keeps its files in a directory of that name.",
                "Move it away, or set POCKETCODER_HOME to a directory of your own."));
        }

        if (!Directory.Exists(home.Root))
        {
            var parent = home.Root;
            while (!Directory.Exists(parent) && Path.GetDirectoryName(parent) is { } above)
            {
                parent = above;
            }

            return Access.Refused(parent, Access.Write | Access.Search) is { } closed
                ? new(name, home.Root, new($"{home} can't be made: {parent} {closed}.", "Set POCKETCODER_HOME to a directory of your own."))
                : new(name, $"{home} is not there yet; 'start' makes it");
        }

        try
        {
            home.Inspect();
        }
        catch (HomeRefusal e)
        {
            return new(name, home.Root, new(e.Message, null));
        }

        return home.Folders.Where(Directory.Exists)
            .Select(f => Access.Refused(f, Access.Read | Access.Write | Access.Search) is { } closed
                ? new StartCheck(name, home.Root, Closed(home, f, closed)) : null)
            .FirstOrDefault(c => c is not null) ?? new(name, home.Root);
    }

    /// <summary>
    /// Files that are no files, folders that are none, and what this user may not read or write: one start with sudo is enough for that.
    /// </summary>
    private static StartCheck Files(Home home)
    {
        const string name = "files";
        foreach (var folder in home.Folders.Where(File.Exists))
        {
            return new(name, "one is in the way", new($"{folder} is a file where PocketCoder keeps a folder.", "Move it away."));
        }

        foreach (var (file, wanted) in home.KnownFiles)
        {
            if (Directory.Exists(file))
            {
                return new(name, "one is in the way", new($"{file} is a folder where PocketCoder keeps a file.",
                    "Move it away; a backup puts the file back: pocketcoder restore FOLDER"));
            }

            if (File.Exists(file) && Access.Refused(file, wanted) is { } closed)
            {
                return new(name, "one can't be used", Closed(home, file, closed));
            }
        }

        return new(name, "can be read and written");
    }

    private static StartCheck Key(Home home)
    {
        const string name = "key";
        if (!File.Exists(home.MachineKey))
        {
            return File.Exists(home.Database) && new FileInfo(home.Database).Length > 0
                ? new(name, "is missing", new(
                    $"{home.MachineKey} is missing, and {home.Database} belongs to the machine whose keys it held.", StartProblems.Restore))
                : new(name, "there is none yet");
        }

        try
        {
            using var identity = ChannelIdentity.Load(home.MachineKey);
            return new(name, "is this machine's");
        }
        catch (ChannelException e)
        {
            return new(name, "can't be used", StartProblems.Of(e, home));
        }
    }

    private static StartCheck Secrets(Home home)
    {
        try
        {
            SecretStore.Inspect(home.Secrets, home.SecretKey, TimeProvider.System);
            return new("secrets", "can be opened");
        }
        catch (SecretException e)
        {
            return new("secrets", "can't be opened", StartProblems.Of(e, home));
        }
    }

    private static StartCheck Prices(Home home)
    {
        try
        {
            _ = ModelService.ReadPrices(home);
            return new("prices", File.Exists(home.Prices) ? "your own" : "the built-in ones");
        }
        catch (HomeRefusal e)
        {
            return new("prices", "can't be read", new(e.Message, null));
        }
    }

    private static StartCheck Providers(Home home)
    {
        try
        {
            var count = ProviderSettings.Read(home).Providers.Count;
            return new("providers", count == 0 ? "the built-in ones" : $"the built-in ones, and {count} of your own");
        }
        catch (HomeRefusal e)
        {
            return new("providers", "can't be read", new(e.Message, null));
        }
    }

    private static StartCheck Feishu(Home home)
    {
        try
        {
            return new("feishu", EntrySetting.Read(home) is not { } set ? "is not set up" : set.Enabled ? "is set up" : "is switched off");
        }
        catch (HomeRefusal e)
        {
            return new("feishu", "can't be read", new(e.Message, null));
        }
    }

    private static StartCheck Database(Home home, bool thorough)
    {
        const string name = "database";
        if (!File.Exists(home.Database))
        {
            return new(name, "there is none yet");
        }

        try
        {
            string? machine = null;
            if (File.Exists(home.MachineKey))
            {
                using var identity = ChannelIdentity.Load(home.MachineKey);
                machine = identity.Id;
            }

            LedgerStore.InspectFile(home.Database, machine, DaemonTables.All, thorough && !DaemonLock.IsTaken(home));
            return new(name, "opens, and its newest rows form the chain");
        }
        catch (LedgerException e)
        {
            return new(name, "can't be used", StartProblems.Of(e, home));
        }
        catch (ChannelException)
        {
            return new(name, "was not looked at: the key can't be used");
        }
    }

    private static StartProblem Closed(Home home, string path, string closed) => new(
        $"{path} {closed}.",
        closed == Access.ReadOnlyFileSystem
            ? "Make that file system writable, or set POCKETCODER_HOME to a directory elsewhere."
            : $"Give this user's files back: sudo chown -R \"$(id -un)\" '{home.Root}' && chmod -R u+rwX '{home.Root}'");
}

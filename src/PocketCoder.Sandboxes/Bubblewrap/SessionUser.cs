using System.Globalization;
using PocketCoder.Platform;

namespace PocketCoder.Sandboxes.Bubblewrap;

/// <summary>
/// As whom a session runs. A daemon of an ordinary user can only be itself. A daemon of root is never root inside (bwrap started by root
/// can write the host's core_pattern, whatever its namespaces): it runs as the project's owner; when that is root too, as a user of a free
/// range, with the project mounted so that its owner looks like that user.
/// </summary>
/// <param name="User">Null: the daemon's own.</param>
/// <param name="Reserved">Taken from the range; given back with <see cref="Release"/>.</param>
internal sealed record SessionUser(uint? User, uint? Group, bool Reserved)
{
    /// <exception cref="SandboxException">The workspace can't be seen, or no user is free.</exception>
    public static SessionUser For(string workspace, SandboxOptions options)
    {
        var owner = Native.OwnerOf(workspace)
            ?? throw new SandboxException(SandboxError.WorkspaceRefused, $"{workspace} can't be read.");
        var self = CurrentUser.Id;
        if (self != 0)
        {
            return owner.User == self
                ? new(null, null, false)
                : throw new SandboxException(SandboxError.WorkspaceRefused,
                    $"{workspace} belongs to another user. Run PocketCoder as that user, or give the project to yourself.");
        }

        return owner.User != 0 ? new(owner.User, PrimaryGroup(owner.User), false) : Reserve(options);
    }

    public static void Release(SandboxOptions options, uint user) => File.Delete(Path.Combine(Folder(options), Name(user)));

    private static SessionUser Reserve(SandboxOptions options)
    {
        var folder = Folder(options);
        Directory.CreateDirectory(folder, SessionFolder.Private);
        for (var user = options.FirstUser; user < options.FirstUser + options.Users; user++)
        {
            if (IsKnown(user))
            {
                continue;
            }

            try
            {
                using var taken = new FileStream(Path.Combine(folder, Name(user)), FileMode.CreateNew, FileAccess.Write);
                return new(user, user, true);
            }
            catch (IOException)
            {
                // another session's
            }
        }

        throw new SandboxException(
            SandboxError.NotAvailable, $"All {options.Users} users from {options.FirstUser} on are in use by sessions. End some.");
    }

    private static bool IsKnown(uint user) => Passwd().Any(f => f[2] == Name(user));

    private static uint PrimaryGroup(uint user)
        => Passwd().FirstOrDefault(f => f[2] == Name(user)) is { } entry
            && uint.TryParse(entry[3], NumberStyles.None, CultureInfo.InvariantCulture, out var group) && group != 0
            ? group
            : user;

    private static IEnumerable<string[]> Passwd() => File.ReadLines("/etc/passwd").Select(l => l.Split(':')).Where(f => f.Length >= 4);

    private static string Folder(SandboxOptions options) => Path.Combine(options.StateDirectory, "users");

    private static string Name(uint user) => user.ToString(CultureInfo.InvariantCulture);
}

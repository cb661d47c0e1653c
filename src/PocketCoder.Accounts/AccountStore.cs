using System.Text.Json;
using PocketCoder.Platform;

namespace PocketCoder.Accounts;

/// <summary>
/// The people of a gateway, their sign-ins and open links: one file of mode 0600 that the running gateway and its command line both read
/// and change, each change alone and durable. What has ended is not seen. Thread-safe, between processes too.
/// </summary>
public sealed class AccountStore(string file, TimeProvider time)
{
    /// <summary>How far a sign-in may seem to lie ahead: beyond it the clock was set back, and nobody knows how old it is.</summary>
    private static readonly TimeSpan s_clockSetBack = TimeSpan.FromDays(1);

    private readonly FileCopy<AccountContent> _copy = new(file);

    /// <summary>Whether anybody is in it. Once somebody is, a gateway has accounts whatever it is told.</summary>
    /// <exception cref="AccountRefusal"><see cref="AccountError.Unavailable"/>.</exception>
    public bool HasUsers => Now.Users.Count > 0;

    /// <summary>What is in the file now.</summary>
    /// <exception cref="AccountRefusal"><see cref="AccountError.Unavailable"/>; the inner exception tells why.</exception>
    internal AccountContent Now => WithoutEnded(_copy.Now(Read));

    /// <summary>Changes the file, alone. What <paramref name="change"/> throws, or the same content again, leaves it as it was.</summary>
    /// <exception cref="AccountRefusal"><see cref="AccountError.Unavailable"/>, or what the change refused with.</exception>
    internal async Task ChangeAsync(Func<AccountContent, AccountContent> change, CancellationToken ct)
    {
        try
        {
            await using var alone = await FileLock.TakeAsync(file, ct);
            var before = WithoutEnded(Read());
            var after = change(before);
            if (!ReferenceEquals(before, after))
            {
                var bytes = JsonSerializer.SerializeToUtf8Bytes(after.Versioned(), AccountJson.Default.AccountContent);
                if (bytes.Length > AccountLimits.MostBytes)
                {
                    throw new AccountRefusal(AccountError.TooMany, "The gateway has no room for more.");
                }

                PrivateFile.Replace(file, bytes);
                _copy.Forget();
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unavailable($"{file} can't be changed: {e.Message}", e);
        }
    }

    private AccountContent Read()
    {
        byte[] bytes;
        try
        {
            using var stream = PrivateFile.Open(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (PrivateFile.IsExposed(stream.SafeFileHandle))
            {
                throw Unavailable($"Others can reach {file}. Type: chmod 600 '{file}'");
            }

            if (stream.Length > AccountLimits.MostBytes)
            {
                throw Unavailable($"{file} is larger than {AccountLimits.MostBytes} bytes.");
            }

            bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return AccountContent.Empty;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unavailable($"{file} can't be read: {e.Message}", e);
        }

        return Parse(bytes);
    }

    private AccountContent Parse(byte[] bytes)
    {
        try
        {
            var content = JsonSerializer.Deserialize(bytes, AccountJson.Default.AccountContent);
            if (content is { V: not (1 or 2 or 3) })
            {
                throw Unavailable($"{file} was written by a newer version.");
            }

            return content is not null && IsWhole(content) ? content : throw Unavailable($"{file} is damaged.");
        }
        catch (JsonException e)
        {
            throw Unavailable($"{file} is damaged: {e.Message}", e);
        }
    }

    private static bool IsWhole(AccountContent content)
        => content.Users.All(u => u is not null && Enum.IsDefined(u.Role) && u.Machines?.Any(m => m is null) is not true
            && u.AllPasskeys.All(PasskeyRecord.IsWhole) && u.AllServices.All(s => s is not null))
        && content.Links.All(l => l is not null && Enum.IsDefined(l.Role) && l.Machines?.Any(m => m is null) is not true)
        && content.SignIns.All(s => s is not null)
        && content.Users.DistinctBy(u => u.Name, StringComparer.Ordinal).Count() == content.Users.Count
        && content.Users.SelectMany(u => u.AllServices).DistinctBy(s => (s.Issuer, s.Subject)).Count()
            == content.Users.Sum(u => u.AllServices.Count)
        && content.Users.Count(u => u.Role == Role.Owner) <= 1;

    /// <summary>A clock that was set back makes nothing last longer than it may from now on.</summary>
    private AccountContent WithoutEnded(AccountContent content)
    {
        var now = time.GetUtcNow();
        var (links, signIns) = (content.Links.Where(l => IsOpen(l, now)), content.SignIns.Where(s => IsAlive(s, now)));
        return links.Count() == content.Links.Count && signIns.Count() == content.SignIns.Count ? content
            : content with { Links = [.. links], SignIns = [.. signIns] };
    }

    private static bool IsOpen(LinkRecord link, DateTimeOffset now)
    {
        var left = link.EndsAt - now;
        return left > TimeSpan.Zero
            && left <= (link.Role == Role.Owner ? AccountLimits.OwnerLinkLife : AccountLimits.InvitationLife);
    }

    private static bool IsAlive(SignInRecord signIn, DateTimeOffset now)
        => now - signIn.RenewedAt < AccountLimits.SignInIdle && now - signIn.CreatedAt < AccountLimits.SignInLife
            && signIn.RenewedAt - now <= s_clockSetBack;

    /// <param name="why">For who runs the gateway; it names the file.</param>
    private static AccountRefusal Unavailable(string why, Exception? inner = null)
        => new(AccountError.Unavailable, "The gateway can't use its list of people; its log says why.",
            inner: new InvalidDataException(why, inner));
}

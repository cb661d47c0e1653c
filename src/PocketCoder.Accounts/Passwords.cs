using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace PocketCoder.Accounts;

/// <summary>
/// Passwords, kept as PBKDF2-HMAC-SHA512 with 210,000 rounds and a salt each. Two are worked on at once and sixteen wait; more are told to
/// come later, so that nobody can take the computer by guessing. Thread-safe.
/// </summary>
internal sealed class Passwords
{
    public const int FewestCharacters = 12;

    /// <summary>In UTF-8, which is what is hashed.</summary>
    public const int MostBytes = 1024;

    private const int FewestDifferent = 5;
    private const int Rounds = 210_000;
    private const int SaltBytes = 16;
    private const int HashBytes = 64;
    private const int AtOnce = 2;
    private const int MostWaiting = 16;
    private const string Kind = "pbkdf2-sha512";

    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private static readonly TimeSpan s_busy = TimeSpan.FromSeconds(5);

    /// <summary>Of the whole program: it is its cores that are shared.</summary>
    private static readonly SemaphoreSlim s_working = new(AtOnce);

    private int _asked;

    /// <summary>What is compared with when there is no such person: as much work, and never right.</summary>
    private readonly string _nobody = Text(RandomNumberGenerator.GetBytes(SaltBytes), RandomNumberGenerator.GetBytes(HashBytes));

    /// <summary>Refuses a password that is no good for this name.</summary>
    /// <exception cref="AccountRefusal">It is too short, too long, or is guessed at once.</exception>
    public static void Require(string password, string name)
    {
        if (BytesOf(password) is null)
        {
            throw new AccountRefusal(AccountError.WeakPassword, $"A password has at most {MostBytes} bytes.");
        }

        if (password.Length < FewestCharacters)
        {
            throw new AccountRefusal(AccountError.WeakPassword, $"A password has {FewestCharacters} characters or more.");
        }

        if (password.Distinct().Count() < FewestDifferent
            || password.Replace(name, "", StringComparison.OrdinalIgnoreCase).Length < FewestCharacters / 2)
        {
            throw new AccountRefusal(AccountError.WeakPassword, "This password is too easy to guess.");
        }
    }

    /// <summary>What is kept of a password.</summary>
    /// <exception cref="AccountRefusal">Too many others are worked on.</exception>
    public async Task<string> HashAsync(string password, CancellationToken ct)
    {
        var salt = RandomNumberGenerator.GetBytes(SaltBytes);
        var bytes = BytesOf(password) ?? throw new ArgumentException("It was not looked at before.", nameof(password));
        return Text(salt, await DeriveAsync(bytes, salt, Rounds, HashBytes, ct));
    }

    /// <summary>Whether this is the password; as much work when there is none to compare with.</summary>
    /// <param name="kept">What is kept of it; null: there is no such person.</param>
    /// <exception cref="AccountRefusal">Too many others are worked on.</exception>
    public async Task<bool> IsAsync(string password, string? kept, CancellationToken ct)
    {
        var bytes = BytesOf(password);
        var (rounds, salt, hash) = Parse(kept) ?? Parse(_nobody)!.Value;
        var derived = await DeriveAsync(bytes ?? [], salt, rounds, hash.Length, ct);
        return CryptographicOperations.FixedTimeEquals(derived, hash) && bytes is not null && kept is not null;
    }

    private async Task<byte[]> DeriveAsync(byte[] password, byte[] salt, int rounds, int length, CancellationToken ct)
    {
        if (Interlocked.Increment(ref _asked) > AtOnce + MostWaiting)
        {
            Interlocked.Decrement(ref _asked);
            throw new AccountRefusal(AccountError.TooFast, "Too many people sign in at this moment.", s_busy);
        }

        try
        {
            await s_working.WaitAsync(ct);
            try
            {
                return await Task.Run(() => Rfc2898DeriveBytes.Pbkdf2(password, salt, rounds, HashAlgorithmName.SHA512, length), ct);
            }
            finally
            {
                s_working.Release();
            }
        }
        finally
        {
            Interlocked.Decrement(ref _asked);
        }
    }

    private static string Text(byte[] salt, byte[] hash)
        => string.Create(CultureInfo.InvariantCulture,
            $"{Kind}${Rounds}${Convert.ToHexStringLower(salt)}${Convert.ToHexStringLower(hash)}");

    /// <summary>Null: nothing that this could have written.</summary>
    private static (int Rounds, byte[] Salt, byte[] Hash)? Parse(string? kept)
    {
        if (kept?.Split('$') is not [Kind, var rounds, { Length: SaltBytes * 2 } salt, { Length: HashBytes * 2 } hash]
            || !int.TryParse(rounds, NumberStyles.None, CultureInfo.InvariantCulture, out var count) || count is < Rounds or > Rounds * 10)
        {
            return null;
        }

        try
        {
            return (count, Convert.FromHexString(salt), Convert.FromHexString(hash));
        }
        catch (FormatException)
        {
            return null;
        }
    }

    private static byte[]? BytesOf(string password)
    {
        try
        {
            return password.Length <= MostBytes && s_strict.GetBytes(password) is { Length: <= MostBytes } bytes ? bytes : null;
        }
        catch (EncoderFallbackException)
        {
            return null; // half a character
        }
    }
}

using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using PocketCoder.Platform;

namespace PocketCoder.Gateway.Relay.Letters;

/// <summary>
/// The letters that wait for machines which are away: a file of mode 0600 each, so that a restart loses none. Bounded in all, for each
/// person and for each machine; one more is refused, and none is pushed out. Those that have ended go with the next change. Thread-safe;
/// one gateway has the folder.
/// </summary>
internal sealed partial class LetterStore
{
    /// <summary>In all; with the largest letters that is 180 MB.</summary>
    public const int Most = 2_000;

    public const int MostOfPerson = 100;

    public const int MostForMachine = 500;

    /// <summary>How long one is kept at most.</summary>
    public static readonly TimeSpan Life = TimeSpan.FromDays(7);

    private const string Ending = ".letter";
    private const int MostBytes = 128 * 1024; // of a file

    private readonly Lock _gate = new(); // guards what follows, and the files
    private readonly Dictionary<string, Kept> _kept = new(StringComparer.Ordinal); // by the file's name
    private readonly string _folder;
    private readonly TimeProvider _time;

    /// <summary>Reads what is there. A file that is no letter is left alone, and logged.</summary>
    /// <exception cref="GatewayRefusal">The folder can't be used.</exception>
    public LetterStore(string folder, TimeProvider time, ILogger<LetterStore> log)
    {
        (_folder, _time) = (folder, time);
        try
        {
            PrivateFolder.Make(folder);
            foreach (var file in Directory.EnumerateFiles(folder, $"*{Ending}"))
            {
                if (Read(file) is { } letter)
                {
                    _kept[Path.GetFileName(file)] = new Kept(letter with { Sealed = [] });
                }
                else
                {
                    LogUnreadable(log, file);
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new GatewayRefusal(RefusalReason.Files, $"{folder} can't be used: {e.Message}", e);
        }
    }

    /// <summary>Keeps a letter. The same once more changes nothing.</summary>
    /// <returns>Why not; null: it is kept.</returns>
    /// <exception cref="IOException">It can't be written.</exception>
    public LetterRefusal? Leave(StoredLetter letter)
    {
        var name = NameOf(letter.User, letter.Id);
        lock (_gate)
        {
            DropEnded();
            if (_kept.TryGetValue(name, out var known))
            {
                return known.Letter.Machine == letter.Machine && known.Letter.EndsAt == letter.EndsAt ? null
                    : LetterRefusal.OtherWithThisId;
            }

            if (_kept.Count >= Most || _kept.Values.Count(k => k.Letter.User == letter.User) >= MostOfPerson
                || _kept.Values.Count(k => k.Letter.Machine == letter.Machine) >= MostForMachine)
            {
                return LetterRefusal.TooMany;
            }

            PrivateFile.Replace(Path.Combine(_folder, name), JsonSerializer.SerializeToUtf8Bytes(letter, LetterJson.Default.StoredLetter));
            _kept[name] = new Kept(letter with { Sealed = [] });
            return null;
        }
    }

    /// <summary>What waits of a person, oldest first; without what they say.</summary>
    public IReadOnlyList<StoredLetter> Of(string user) => Those(letter => letter.User == user);

    /// <summary>What waits for a machine, oldest first; without what they say.</summary>
    public IReadOnlyList<StoredLetter> For(string machine) => Those(letter => letter.Machine == machine);

    /// <summary>The letter with what it says, to be delivered: from now on it can't be withdrawn. Null: it is gone.</summary>
    public StoredLetter? Begin(StoredLetter letter)
    {
        var name = NameOf(letter.User, letter.Id);
        lock (_gate)
        {
            if (!_kept.TryGetValue(name, out var kept) || Read(Path.Combine(_folder, name)) is not { } whole)
            {
                return null;
            }

            kept.IsUnderWay = true;
            return whole;
        }
    }

    /// <summary>It was not delivered, and waits again.</summary>
    public void PutBack(StoredLetter letter)
    {
        lock (_gate)
        {
            if (_kept.TryGetValue(NameOf(letter.User, letter.Id), out var kept))
            {
                kept.IsUnderWay = false;
            }
        }
    }

    /// <summary>It need not be kept any more.</summary>
    public void Remove(StoredLetter letter)
    {
        lock (_gate)
        {
            Drop(NameOf(letter.User, letter.Id));
        }
    }

    /// <summary>Takes a letter back that nobody has begun to deliver.</summary>
    /// <returns>False: it is not here any more, or under way.</returns>
    /// <exception cref="IOException">It can't be deleted.</exception>
    public bool Withdraw(string user, string id)
    {
        lock (_gate)
        {
            DropEnded();
            return _kept.TryGetValue(NameOf(user, id), out var kept) && !kept.IsUnderWay && Drop(NameOf(user, id));
        }
    }

    /// <summary>Of no text that its writer chose.</summary>
    private static string NameOf(string user, string id)
        => $"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{user}\n{id}")))[..40]}{Ending}";

    private static StoredLetter? Read(string path)
    {
        try
        {
            using var file = PrivateFile.Open(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            if (PrivateFile.IsExposed(file.SafeFileHandle) || file.Length > MostBytes)
            {
                return null;
            }

            var letter = JsonSerializer.Deserialize(file, LetterJson.Default.StoredLetter);
            return letter is not null && Path.GetFileName(path) == NameOf(letter.User, letter.Id) && RelayFrame.IsValid(letter.Sealed)
                ? letter : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    private IReadOnlyList<StoredLetter> Those(Func<StoredLetter, bool> which)
    {
        lock (_gate)
        {
            DropEnded();
            return [.. _kept.Values.Select(k => k.Letter).Where(which).OrderBy(l => l.LeftAt).ThenBy(l => l.Id, StringComparer.Ordinal)];
        }
    }

    private void DropEnded()
    {
        var now = _time.GetUtcNow();
        foreach (var name in _kept.Where(k => k.Value.Letter.EndsAt <= now && !k.Value.IsUnderWay).Select(k => k.Key).ToList())
        {
            Drop(name);
        }
    }

    private bool Drop(string name)
    {
        File.Delete(Path.Combine(_folder, name));
        return _kept.Remove(name);
    }

    [LoggerMessage(EventId = 2070, Level = LogLevel.Error, Message = "{File} is no letter, or others can reach it; it is left where it is")]
    private static partial void LogUnreadable(ILogger log, string file);

    private sealed class Kept(StoredLetter letter)
    {
        public StoredLetter Letter => letter;

        public bool IsUnderWay { get; set; }
    }
}

/// <summary>Why a letter is not kept.</summary>
internal enum LetterRefusal
{
    TooMany,
    OtherWithThisId,
}

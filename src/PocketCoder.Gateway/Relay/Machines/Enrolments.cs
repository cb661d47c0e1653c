using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using PocketCoder.Accounts;
using PocketCoder.Platform;

namespace PocketCoder.Gateway.Relay.Machines;

/// <summary>
/// Which machines may connect, and the codes by which more may: one file of mode 0600 that the running gateway and its command line both
/// read and change, each change alone (a lock beside it) and durable. Thread-safe, between processes too.
/// </summary>
public sealed class Enrolments(string file, TimeProvider time)
{
    /// <summary>How long a code can be used.</summary>
    public static readonly TimeSpan CodeLife = TimeSpan.FromMinutes(10);

    /// <summary>Codes that can be used at once.</summary>
    public const int MostCodes = 8;

    public const int MostMachines = 1000;

    private const int MaxBytes = 1024 * 1024;
    private const int CodeBytes = 15; // 120 bits, 24 characters

    private const string Alphabet = "abcdefghijkmnpqrstuvwxyz23456789"; // 32, without l and o, 0 and 1

    /// <summary>The machines, oldest first.</summary>
    /// <exception cref="GatewayRefusal">The file can't be read or is damaged.</exception>
    public IReadOnlyList<EnrolledMachine> Machines => Read().Machines;

    /// <summary>The machine with this id, or null.</summary>
    /// <exception cref="GatewayRefusal">As <see cref="Machines"/>.</exception>
    public EnrolledMachine? Find(string machineId) => Read().Machines.FirstOrDefault(m => m.MachineId == machineId);

    /// <summary>Makes a code for one machine.</summary>
    /// <exception cref="GatewayRefusal"><see cref="MostCodes"/> are open, or the file can't be written.</exception>
    public async Task<string> NewCodeAsync(CancellationToken ct)
    {
        var code = NewText();
        await ChangeAsync(content => content.Codes.Count >= MostCodes
            ? throw new GatewayRefusal(RefusalReason.TooMany,
                $"{MostCodes} codes are open. Each ends by itself {CodeLife.TotalMinutes} minutes after it was made.")
            : content with { Codes = [.. content.Codes, new EnrolmentCode(HashOf(code), time.GetUtcNow() + CodeLife)] }, ct);
        return code;
    }

    /// <summary>Takes in a machine that has proved its key, and uses the code up. A machine that is known keeps its key.</summary>
    /// <returns>False: there is no such code.</returns>
    /// <exception cref="GatewayRefusal"><see cref="MostMachines"/> are known, or the file can't be written.</exception>
    public async Task<bool> TryEnrolAsync(string code, string machineId, string signingKey, string label, CancellationToken ct)
    {
        var hash = HashOf(code);
        var enrolled = false;
        await ChangeAsync(content =>
        {
            var known = content.Machines.FirstOrDefault(m => m.MachineId == machineId);
            if (!content.Codes.Any(c => c.Hash == hash) || (known is not null && known.SigningKey != signingKey))
            {
                return content;
            }

            enrolled = true;
            var machine = new EnrolledMachine(machineId, signingKey, label, known?.EnrolledAt ?? time.GetUtcNow());
            return With(content, machine) with { Codes = [.. content.Codes.Where(c => c.Hash != hash)] };
        }, ct);
        return enrolled;
    }

    /// <summary>Takes in a machine that has proved its key and that a person lets in. A machine that is known keeps its key.</summary>
    /// <returns>False: it is known with another key.</returns>
    /// <exception cref="GatewayRefusal"><see cref="MostMachines"/> are known, or the file can't be written.</exception>
    public async Task<bool> AddAsync(string machineId, string signingKey, string label, string by, CancellationToken ct)
    {
        var added = false;
        await ChangeAsync(content =>
        {
            var known = content.Machines.FirstOrDefault(m => m.MachineId == machineId);
            if (known is not null && known.SigningKey != signingKey)
            {
                return content;
            }

            added = true;
            return With(content, new EnrolledMachine(machineId, signingKey, label, known?.EnrolledAt ?? time.GetUtcNow(), by));
        }, ct);
        return added;
    }

    /// <summary>Forgets a machine. False: it was not known.</summary>
    /// <exception cref="GatewayRefusal">The file can't be read or written.</exception>
    public async Task<bool> RemoveAsync(string machineId, CancellationToken ct)
    {
        var removed = false;
        await ChangeAsync(content =>
        {
            removed = content.Machines.Any(m => m.MachineId == machineId);
            return content with { Machines = [.. content.Machines.Where(m => m.MachineId != machineId)] };
        }, ct);
        return removed;
    }

    private static EnrolmentFile With(EnrolmentFile content, EnrolledMachine machine)
    {
        IReadOnlyList<EnrolledMachine> others = [.. content.Machines.Where(m => m.MachineId != machine.MachineId)];
        return others.Count < MostMachines ? content with { Machines = [.. others, machine] }
            : throw new GatewayRefusal(
                RefusalReason.TooMany, $"This gateway has {MostMachines} machines. Remove one first: pocketcoder gateway remove");
    }

    private static string NewText()
    {
        var characters = RandomNumberGenerator.GetItems<char>(Alphabet, CodeBytes * 8 / 5);
        return new string(characters);
    }

    /// <summary>As it is typed: letters of either case, with blanks or hyphens for reading.</summary>
    private static string HashOf(string code)
    {
        var plain = new string([.. code.ToLowerInvariant().Where(char.IsAsciiLetterOrDigit)]);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(plain)));
    }

    private async Task ChangeAsync(Func<EnrolmentFile, EnrolmentFile> change, CancellationToken ct)
    {
        try
        {
            await using var alone = await FileLock.TakeAsync(file, ct);
            var before = Read();
            var after = change(before);
            if (!ReferenceEquals(before, after))
            {
                PrivateFile.Replace(file, JsonSerializer.SerializeToUtf8Bytes(after, EnrolmentJson.Default.EnrolmentFile));
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new GatewayRefusal(RefusalReason.Files, $"{file} can't be changed: {e.Message}", e);
        }
    }

    private EnrolmentFile Read()
    {
        try
        {
            using var stream = PrivateFile.Open(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (PrivateFile.IsExposed(stream.SafeFileHandle))
            {
                throw new GatewayRefusal(RefusalReason.Files, $"Others can reach {file}. Type: chmod 600 '{file}'");
            }

            if (stream.Length > MaxBytes)
            {
                throw new GatewayRefusal(RefusalReason.Files, $"{file} is larger than {MaxBytes} bytes.");
            }

            var content = JsonSerializer.Deserialize(stream, EnrolmentJson.Default.EnrolmentFile) ?? throw new JsonException();
            if (content.Machines.Any(m => m is null) || content.Codes.Any(c => c is null))
            {
                throw new JsonException("Something in it is null.");
            }

            var now = time.GetUtcNow();
            return content.V == 1 ? content with { Codes = [.. content.Codes.Where(c => c.EndsAt > now && c.EndsAt <= now + CodeLife)] }
                : throw new GatewayRefusal(RefusalReason.Files, $"{file} was written by a newer version.");
        }
        catch (FileNotFoundException)
        {
            return EnrolmentFile.Empty;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new GatewayRefusal(RefusalReason.Files, $"{file} can't be read: {e.Message}", e);
        }
    }
}

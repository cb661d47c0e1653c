using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using PocketCoder.Machine.Executions.Archive;
using PocketCoder.Machine.Executions.Tools;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Executions;

/// <summary>Copies of files that agents sent to the person.</summary>
public static class SentFiles
{
    public const long MaxBytes = 50L << 20;

    /// <summary>Where a secret is looked for: keys stand at the beginning.</summary>
    private const int LookedAt = 256 * 1024;

    private const int PieceSize = 64 * 1024;

    private static readonly SearchValues<string> s_marks = SearchValues.Create(
        ["PRIVATE KEY-----", "AKIA", "ASIA", "ghp_", "gho_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "sk-ant-", "sk-proj-", "sk_live_",
            "AIza", "-----BEGIN PGP PRIVATE", "AGE-SECRET-KEY-"],
        StringComparison.Ordinal);

    private static readonly Dictionary<string, string> s_types = new(StringComparer.OrdinalIgnoreCase)
    {
        [".png"] = "image/png",
        [".jpg"] = "image/jpeg",
        [".jpeg"] = "image/jpeg",
        [".gif"] = "image/gif",
        [".webp"] = "image/webp",
        [".pdf"] = "application/pdf",
        [".zip"] = "application/zip",
        [".gz"] = "application/gzip",
        [".json"] = "application/json",
        [".csv"] = "text/csv",
        [".md"] = "text/markdown",
    };

    /// <summary>Whether the beginning holds what looks like a key or a token.</summary>
    public static async Task<bool> HoldsSecretAsync(FileStream file)
    {
        file.Position = 0;
        var bytes = new byte[Math.Min(file.Length, LookedAt)];
        var read = await file.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false);
        return Encoding.Latin1.GetString(bytes, 0, read).AsSpan().ContainsAny(s_marks);
    }

    /// <summary>Copies the file; what is told is told of the copy. Not more than the limit, should it grow meanwhile.</summary>
    public static async Task<SentFileEvent> KeepAsync(
        SessionArchive archive, Guid session, FileStream file, SendFileTool tool, string toolUseId)
    {
        var id = Guid.CreateVersion7();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var entry = archive.Begin(session, id);
        file.Position = 0;
        var piece = new byte[PieceSize];
        var zero = false;
        var first = true;
        int read;
        while ((read = await file.ReadAsync(piece)) > 0 && entry.Total + read <= MaxBytes)
        {
            zero |= first && piece.AsSpan(0, read).Contains((byte)0);
            first = false;
            hash.AppendData(piece, 0, read);
            entry.Append(piece.AsSpan(0, read));
        }

        var name = Path.GetFileName(tool.Path.TrimEnd('/'));
        var type = s_types.GetValueOrDefault(Path.GetExtension(name)) ?? (zero ? "application/octet-stream" : "text/plain");
        return new SentFileEvent(toolUseId, session, id, name, entry.Total, type, Convert.ToHexStringLower(hash.GetHashAndReset()),
            tool.Caption)
        { At = default };
    }
}

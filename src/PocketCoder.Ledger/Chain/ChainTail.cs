using System.Security.Cryptography;
using Microsoft.Data.Sqlite;

namespace PocketCoder.Ledger;

/// <summary>A quick look at the newest rows, made at every start.</summary>
internal static class ChainTail
{
    /// <summary>What is wrong, or null.</summary>
    public static string? Check(SqliteConnection connection, int count)
    {
        using var rows = new Statement(connection.Handle!, "SELECT seq, hash, body FROM ledger ORDER BY seq DESC LIMIT ?1");
        rows.Bind(1, count + 1);
        long above = 0;
        byte[] expected = [], bodyAbove = [];
        while (rows.Step())
        {
            var seq = rows.Int64(0);
            if (above != 0 && Problem(above, seq, rows.Bytes(1), bodyAbove, expected) is { } problem)
            {
                return problem;
            }

            (above, expected, bodyAbove) = (seq, rows.Bytes(1).ToArray(), rows.Bytes(2).ToArray());
        }

        return above == 1 ? Problem(1, 0, new byte[SHA256.HashSizeInBytes], bodyAbove, expected) : null;
    }

    private static string? Problem(
        long seq, long before, ReadOnlySpan<byte> hashBefore, ReadOnlySpan<byte> body, ReadOnlySpan<byte> expected)
        => before != seq - 1 ? $"row {seq - 1} is missing"
            : SHA256.HashData([.. hashBefore, .. body]).AsSpan().SequenceEqual(expected) ? null
            : $"row {seq} does not follow from row {before}";
}

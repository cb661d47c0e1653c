using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace PocketCoder.Ledger;

/// <summary>
/// A feature's tables: embedded resources named <c>{prefix}.NNNN_words.sql</c>, numbered from 0001 without gaps. A file
/// that was released is never edited; a change is a new file. Statements must not control the transaction.
/// </summary>
/// <param name="Name">Short name of the feature, lower case.</param>
/// <param name="Assembly">Where the resources are.</param>
/// <param name="Prefix">Resource name before the file name, without the dot.</param>
public sealed partial record MigrationSet(string Name, Assembly Assembly, string Prefix)
{
    internal static MigrationSet Own { get; } = new("ledger", typeof(MigrationSet).Assembly, "PocketCoder.Ledger.Migrations");

    internal IReadOnlyList<Migration> Load()
    {
        var found = new List<Migration>();
        foreach (var resource in Assembly.GetManifestResourceNames())
        {
            if (resource.StartsWith(Prefix + ".", StringComparison.Ordinal)
                && FileName().Match(resource, Prefix.Length + 1) is { Success: true } match)
            {
                found.Add(Read(resource, int.Parse(match.Groups["number"].ValueSpan, CultureInfo.InvariantCulture)));
            }
        }

        found.Sort((a, b) => a.Number.CompareTo(b.Number));
        for (var i = 0; i < found.Count; i++)
        {
            if (found[i].Number != i + 1)
            {
                throw new LedgerException(LedgerError.MigrationFailed,
                    $"migration set '{Name}' must be numbered 0001, 0002, … without gaps; number {i + 1} is missing or there twice");
            }
        }

        return found.Count > 0
            ? found
            : throw new LedgerException(
                LedgerError.MigrationFailed, $"migration set '{Name}' has no embedded file {Prefix}.NNNN_words.sql");
    }

    [GeneratedRegex(@"\G(?<number>[0-9]{4})_[a-z0-9_]+\.sql\z", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex FileName();

    private Migration Read(string resource, int number)
    {
        using var reader = new StreamReader(Assembly.GetManifestResourceStream(resource)!, Encoding.UTF8);
        // A checkout with other line ends is the same migration.
        var sql = reader.ReadToEnd().ReplaceLineEndings("\n");
        return new Migration(Name, number, sql, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(sql))));
    }
}

/// <summary>One numbered file.</summary>
internal sealed record Migration(string Set, int Number, string Sql, string Checksum);

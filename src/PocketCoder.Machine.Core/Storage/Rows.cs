using Microsoft.Data.Sqlite;

namespace PocketCoder.Machine.Storage;

/// <summary>Reading rows by position, with the types that the tables hold.</summary>
public static class Rows
{
    public static string? TextOrNull(this SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    public static Guid Id(this SqliteDataReader row, int column) => Guid.ParseExact(row.GetString(column), "D");

    public static DateTimeOffset Time(this SqliteDataReader row, int column) => Instant.Parse(row.GetString(column));

    public static DateTimeOffset? TimeOrNull(this SqliteDataReader row, int column)
        => row.IsDBNull(column) ? null : Instant.Parse(row.GetString(column));

    public static bool Flag(this SqliteDataReader row, int column) => row.GetInt64(column) != 0;
}

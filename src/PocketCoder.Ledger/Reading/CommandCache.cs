using Microsoft.Data.Sqlite;

namespace PocketCoder.Ledger;

/// <summary>Compiled commands of one connection, by their SQL. Not thread-safe.</summary>
internal sealed class CommandCache(SqliteConnection connection) : IDisposable
{
    /// <summary>Features have some dozens of statements; more means somebody builds SQL from values.</summary>
    private const int Limit = 256;

    private readonly Dictionary<string, SqliteCommand> _commands = new(StringComparer.Ordinal);

    public SqliteCommand Get(string sql, ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        if (!_commands.TryGetValue(sql, out var command))
        {
            if (_commands.Count == Limit)
            {
                Clear();
            }

            command = connection.CreateCommand();
            command.CommandText = sql;
            _commands[sql] = command;
        }

        Bind(command, parameters);
        return command;
    }

    public void Dispose() => Clear();

    private static void Bind(SqliteCommand command, ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        var same = command.Parameters.Count == parameters.Length;
        for (var i = 0; same && i < parameters.Length; i++)
        {
            same = command.Parameters[i].ParameterName == parameters[i].Name;
        }

        if (!same)
        {
            command.Parameters.Clear();
        }

        for (var i = 0; i < parameters.Length; i++)
        {
            var value = parameters[i].Value switch
            {
                null => DBNull.Value,
                ReadOnlyMemory<byte> bytes => bytes.ToArray(),
                var other => other,
            };
            if (same)
            {
                command.Parameters[i].Value = value;
            }
            else
            {
                command.Parameters.AddWithValue(parameters[i].Name, value);
            }
        }
    }

    private void Clear()
    {
        foreach (var command in _commands.Values)
        {
            command.Dispose();
        }

        _commands.Clear();
    }
}

using Spectre.Console;

namespace PocketCoder.Cli.Output;

/// <summary>Tables as this program writes them. Every cell is treated as untrusted text.</summary>
internal static class PlainTable
{
    public static Table Of(params ReadOnlySpan<string> columns)
    {
        var table = new Table { Border = TableBorder.None };
        foreach (var column in columns)
        {
            table.AddColumn(new TableColumn(new Text(column, new Style(decoration: Decoration.Bold)))
            { Padding = new Padding(0, 0, 2, 0) });
        }

        return table;
    }

    public static void Row(this Table table, params IEnumerable<string> cells)
        => table.AddRow(cells.Select(c => new Text(Untrusted.Show(c))));
}

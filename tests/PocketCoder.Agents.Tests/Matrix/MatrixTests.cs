using System.Text;
using PocketCoder.Agents.Tests.Acp;
using PocketCoder.Testing;

namespace PocketCoder.Agents.Tests.Matrix;

/// <summary>All real agents, all rows: what the table in docs/agents.md claims is what runs here.</summary>
public sealed class MatrixTests(RealAcpFixture fixture) : IClassFixture<RealAcpFixture>
{
    private const string Begin = "<!-- matrix: written by MatrixTests, see there -->";
    private const string End = "<!-- /matrix -->";

    public static TheoryData<string> Columns => [.. MatrixAgent.Columns];

    [Theory]
    [MemberData(nameof(Columns))]
    [Trait("Category", "Slow")]
    public async Task Every_cell_that_is_claimed_passes(string column)
    {
        using var agent = await MatrixAgent.NewAsync(column, fixture);
        await using var run = await agent.StartAsync();
        var can = agent.Description;
        // what the app offers is what the table says
        Assert.Equal((Claims("question"), Claims("plan"), Claims("steer")), (can.Questions, can.Plans, can.Steer));
        var failures = new List<string>();
        foreach (var (row, cell) in MatrixCells.All.Where(c => !MatrixCells.NotSupported.ContainsKey((column, c.Row))))
        {
            try
            {
                await cell(agent, run);
            }
            catch (Exception e) when (failures.Count < 3) // the rest may still be told
            {
                failures.Add($"{row}: {e.Message.Split('\n')[0]}");
            }
        }

        Assert.True(failures.Count == 0, $"{column}: {string.Join(" · ", failures)}");

        bool Claims(string row) => !MatrixCells.NotSupported.ContainsKey((column, row));
    }

    /// <summary>With UPDATE_DOCS=1 in the environment it writes the table instead.</summary>
    [Fact]
    public async Task The_table_in_the_docs_is_this_one()
    {
        var path = Repository.PathOf("docs/agents.md");
        var text = await File.ReadAllTextAsync(path);
        var from = text.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length;
        var to = text.IndexOf(End, StringComparison.Ordinal);
        Assert.True(from >= Begin.Length && to >= from, "the marks of the table are missing");
        if (Environment.GetEnvironmentVariable("UPDATE_DOCS") == "1")
        {
            await File.WriteAllTextAsync(path, $"{text[..from]}\n{Table()}{text[to..]}");
            return;
        }

        Assert.Equal($"\n{Table()}", text[from..to]);
    }

    private static string Table()
    {
        var table = new StringBuilder();
        table.Append("| | ").AppendJoin(" | ", MatrixAgent.Columns).Append(" |\n|---|")
            .Append(string.Concat(MatrixAgent.Columns.Select(_ => "---|"))).Append('\n');
        foreach (var (row, _) in MatrixCells.All)
        {
            table.Append("| ").Append(row).Append(" | ")
                .AppendJoin(" | ", MatrixAgent.Columns.Select(c => MatrixCells.NotSupported.GetValueOrDefault((c, row)) is { } why
                ? why.StartsWith("yes", StringComparison.Ordinal) ? why : $"not supported: {why}" : "yes")).Append(" |\n");
        }

        return table.ToString();
    }
}

using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace PocketCoder.Bench;

/// <summary>Numbers of several runs: median and spread, as a table for people or as JSON.</summary>
internal sealed class BenchTable(string name)
{
    private readonly List<(string What, string Unit, List<double> Values)> rows = [];

    public void Add(string what, string unit, double value)
    {
        var row = rows.Find(r => r.What == what);
        if (row.Values is null)
        {
            rows.Add(row = (what, unit, []));
        }

        row.Values.Add(value);
    }

    public void Print(bool json)
    {
        var machine = $"{Environment.ProcessorCount} cores, {System.Runtime.InteropServices.RuntimeInformation.OSDescription}, .NET {Environment.Version}";
        if (json)
        {
            Console.WriteLine(ToJson(machine).ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
            return;
        }

        Console.WriteLine($"{name}: {rows[0].Values.Count} runs, {machine}");
        Console.WriteLine($"| {"what",-44} | {"median",10} | {"min",10} | {"max",10} | unit");
        foreach (var (what, unit, values) in rows)
        {
            Console.WriteLine($"| {what,-44} | {Text(Median(values)),10} | {Text(values.Min()),10} | {Text(values.Max()),10} | {unit}");
        }
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static string Text(double value) => value.ToString(value < 100 ? "0.00" : "#,0", CultureInfo.InvariantCulture);

    private JsonObject ToJson(string machine)
    {
        var measured = new JsonArray();
        foreach (var (what, unit, values) in rows)
        {
            measured.Add(new JsonObject
            {
                ["what"] = what,
                ["unit"] = unit,
                ["median"] = Median(values),
                ["values"] = new JsonArray([.. values.Select(v => (JsonNode)v)]),
            });
        }

        return new JsonObject { ["bench"] = name, ["machine"] = machine, ["results"] = measured };
    }
}

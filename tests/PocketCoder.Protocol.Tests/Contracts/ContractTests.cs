using PocketCoder.Testing;

namespace PocketCoder.Protocol.Tests.Contracts;

public sealed class ContractTests
{
    [Fact]
    public void Generated_typescript_types_are_those_of_the_records()
        => Check("app/src/lib/protocol/generated.ts", TypeScriptContract.Generate());

    [Fact]
    public void Generated_json_schema_is_that_of_the_records() => Check("docs/protocol.schema.json", JsonSchemaContract.Generate());

    private static void Check(string file, string generated)
    {
        var path = Repository.PathOf(file);
        if (Environment.GetEnvironmentVariable("POCKETCODER_WRITE_CONTRACTS") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, generated);
        }

        Assert.True(File.Exists(path) && File.ReadAllText(path) == generated, $"{file} is stale: run eng/contracts.sh");
    }
}

using PocketCoder.Testing;

namespace PocketCoder.Architecture.Tests;

/// <summary>The page for whoever audits this says what the sources say. <c>eng/contracts.sh</c> writes it.</summary>
public sealed class AuditTests
{
    [Fact]
    public async Task The_page_for_auditors_is_what_the_sources_say()
    {
        var path = Repository.PathOf("docs/audit.md");
        var page = AuditPage.Build();
        if (Environment.GetEnvironmentVariable("POCKETCODER_WRITE_CONTRACTS") == "1")
        {
            await File.WriteAllTextAsync(path, page);
        }

        var written = await File.ReadAllTextAsync(path);
        Assert.Equal(AuditPage.WithoutSizes(page), AuditPage.WithoutSizes(written));

        // A page that must be written anew with every line of code would be written without being looked at.
        Assert.All(AuditPage.Sizes(page).Zip(AuditPage.Sizes(written)),
            s => Assert.InRange(s.Second, (s.First * 0.9) - 20, (s.First * 1.1) + 20));
    }

    [Fact]
    public void The_trusted_core_can_be_read_in_an_afternoon() => Assert.InRange(AuditPage.CoreLines, 1, AuditPage.CoreLimit);

    [Fact]
    public void Every_file_of_the_reading_order_is_there()
        => Assert.DoesNotContain(AuditPage.Order, f => !File.Exists(Repository.PathOf(f)));
}

using System.Runtime.Versioning;
using System.Text;

namespace PocketCoder.Accounts.Tests;

/// <summary>The services that who runs a gateway set, and their file.</summary>
public sealed class ServiceSettingsTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pocketcoder-test-");
    private static readonly SignInService s_work = new(
        "work", ServiceKind.OpenId, "Work", "client", "secret", "https://id.example/realms/a", ["openid", "profile"]);

    private static readonly SignInService s_github = new(
        "github", ServiceKind.GitHub, "GitHub", "client", null, SignInService.GitHubPages, [], SignInService.GitHubApi);

    private string Path => System.IO.Path.Combine(_folder.FullName, "sign-in.json");

    private SignInServiceFile File_ => SignInServiceFile.Beside(System.IO.Path.Combine(_folder.FullName, "accounts.json"));

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public async Task The_file_is_the_owners_alone_and_refused_when_it_is_not()
    {
        Assert.Empty(File_.Services);
        Assert.False(File.Exists(Path)); // looking makes nothing
        await File_.SetAsync(s_work, CancellationToken.None);
        await File_.SetAsync(s_github, CancellationToken.None);
        Assert.Equal(["github", "work"], File_.Services.Select(s => s.Name));
        Assert.Equal("secret", File_.Services[1].ClientSecret);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path));
        File.SetUnixFileMode(Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        var refusal = Assert.Throws<AccountRefusal>(() => File_.Services);
        Assert.Equal(AccountError.Unavailable, refusal.Error);
        Assert.Contains("chmod 600", refusal.InnerException!.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Path, refusal.Message, StringComparison.Ordinal);
        Assert.Equal(AccountError.Unavailable, await Refused.WithAsync(() => File_.SetAsync(s_work, CancellationToken.None)));
    }

    [Fact]
    public async Task A_running_reader_sees_each_change_and_the_same_list_until_then()
    {
        var reader = File_;
        await File_.SetAsync(s_work, CancellationToken.None);
        var first = reader.Services;
        Assert.Same(first, reader.Services);
        await File_.SetAsync(s_work with { Label = "Another label" }, CancellationToken.None);
        Assert.Equal("Another label", Assert.Single(reader.Services).Label);
        Assert.True(await File_.RemoveAsync("work", CancellationToken.None));
        Assert.False(await File_.RemoveAsync("work", CancellationToken.None));
        Assert.Empty(reader.Services);
    }

    [Fact]
    public async Task There_are_eight_at_most_and_one_may_take_its_own_place()
    {
        for (var i = 0; i < SignInServiceFile.Most; i++)
        {
            await File_.SetAsync(s_work with { Name = $"s{i}" }, CancellationToken.None);
        }

        Assert.Equal(AccountError.TooMany, await Refused.WithAsync(() => File_.SetAsync(s_work, CancellationToken.None)));
        await File_.SetAsync(s_work with { Name = "s0", Label = "New" }, CancellationToken.None);
        Assert.Equal(SignInServiceFile.Most, File_.Services.Count);
    }

    public static TheoryData<SignInService> Faulty =>
    [
        s_work with { Name = "" }, s_work with { Name = "Work" }, s_work with { Name = "a/b" }, s_work with { Name = "a..b" },
        s_work with { Name = new string('a', 33) }, s_work with { Label = "" }, s_work with { Label = "a\u202eb" },
        s_work with { Label = " padded" }, s_work with { ClientId = "" }, s_work with { ClientId = "a b" },
        s_work with { ClientSecret = "" }, s_work with { ClientSecret = "a\nb" }, s_work with { Issuer = "http://id.example" },
        s_work with { Issuer = "https://me:mine@id.example" }, s_work with { Issuer = "https://id.example?a=b" },
        s_work with { Issuer = "https://id.example#a" }, s_work with { Issuer = "id.example" }, s_work with { Issuer = "file:///etc" },
        s_work with { Issuer = "" }, s_work with { Scopes = ["profile"] }, s_work with { Scopes = ["openid", "a b"] },
        s_work with { Scopes = ["openid", ""] }, s_github with { Api = null }, s_github with { Api = "http://api.example" },
    ];

    [Theory]
    [MemberData(nameof(Faulty))]
    public async Task What_is_wrong_with_a_service_is_told_and_nothing_is_kept(SignInService service)
    {
        Assert.NotNull(service.Problem());
        Assert.Equal(AccountError.Malformed, await Refused.WithAsync(() => File_.SetAsync(service, CancellationToken.None)));
        Assert.False(File.Exists(Path));
    }

    [Theory]
    [InlineData("http://localhost:8080/realms/a")]
    [InlineData("http://127.0.0.1:8080")]
    [InlineData("http://[::1]:8080")]
    [InlineData("https://192.0.2.1")]
    public void Plain_http_is_for_this_computer_alone(string issuer)
    {
        Assert.Null((s_work with { Issuer = issuer }).Problem());
        Assert.DoesNotContain("secret", s_work.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Whatever_is_in_the_file_is_services_or_a_refusal_that_changes_nothing()
    {
        await File_.SetAsync(s_work, CancellationToken.None);
        await File_.SetAsync(s_github, CancellationToken.None);
        var whole = await File.ReadAllBytesAsync(Path);
        var text = Encoding.UTF8.GetString(whole);
        var random = new Random(7);
        for (var i = 0; i < 400; i++)
        {
            byte[] bytes = i switch
            {
                0 => [],
                1 => "null"u8.ToArray(),
                2 => """{"v":2,"services":[]}"""u8.ToArray(),
                3 => """{"v":1,"services":[null]}"""u8.ToArray(),
                4 => """{"v":1,"services":null}"""u8.ToArray(),
                5 => Encoding.UTF8.GetBytes(text.Replace("\"work\"", "\"github\"", StringComparison.Ordinal)),
                6 => Encoding.UTF8.GetBytes(text.Replace("https://id", "http://id", StringComparison.Ordinal)),
                7 => Encoding.UTF8.GetBytes(text + new string(' ', 64 * 1024)),
                8 => Encoding.UTF8.GetBytes(text.Replace("\"OpenId\"", "9", StringComparison.Ordinal)),
                _ => Damaged(whole, random),
            };
            await File.WriteAllBytesAsync(Path, bytes);
            var refusal = Record.Exception(() => File_.Services);
            Assert.True(refusal is null or AccountRefusal { Error: AccountError.Unavailable }, refusal?.ToString());
            Assert.True(i > 8 || refusal is not null, $"{i}");
            if (refusal is not null)
            {
                await Refused.WithAsync(() => File_.RemoveAsync("work", CancellationToken.None));
                Assert.Equal(bytes, await File.ReadAllBytesAsync(Path));
            }
        }

        static byte[] Damaged(byte[] whole, Random random)
        {
            var bytes = whole.ToArray();
            bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            return random.Next(3) == 0 ? bytes[..random.Next(bytes.Length)] : bytes;
        }
    }
}

using System.Runtime.Versioning;
using System.Text;

namespace PocketCoder.Accounts.Tests;

public sealed class StoreTests : IDisposable
{
    private readonly AccountsHome _home = new();

    public void Dispose() => _home.Dispose();

    [Fact]
    public void Looking_makes_no_file()
    {
        Assert.False(_home.Store.HasUsers);
        Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(_home.Path)!));
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public async Task It_is_the_owners_alone_and_refused_when_it_is_not()
    {
        await _home.Administration.NewOwnerLinkAsync(CancellationToken.None);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_home.Path));
        File.SetUnixFileMode(_home.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        await File.AppendAllTextAsync(_home.Path, " "); // so that it is read again
        var refusal = Assert.Throws<AccountRefusal>(() => _home.Store.HasUsers);
        Assert.Equal(AccountError.Unavailable, refusal.Error);
        Assert.DoesNotContain(_home.Path, refusal.Message, StringComparison.Ordinal);
        Assert.Contains("chmod 600", refusal.InnerException!.Message, StringComparison.Ordinal);
        Assert.Equal(
            AccountError.Unavailable, await Refused.WithAsync(() => _home.Administration.NewOwnerLinkAsync(CancellationToken.None)));
    }

    [Fact]
    public async Task Whatever_is_in_the_file_is_people_or_a_refusal_that_changes_nothing()
    {
        await _home.OwnerAsync();
        var whole = await File.ReadAllBytesAsync(_home.Path);
        var random = new Random(5);
        for (var i = 0; i < 400; i++)
        {
            byte[] bytes = i switch
            {
                0 => [],
                1 => "null"u8.ToArray(),
                2 => """{"v":4,"users":[],"signIns":[],"links":[]}"""u8.ToArray(),
                3 => """{"v":1,"users":[null],"signIns":[],"links":[]}"""u8.ToArray(),
                4 => """{"v":1,"users":null,"signIns":[],"links":[]}"""u8.ToArray(),
                5 => Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(whole).Replace("\"Owner\"", "9", StringComparison.Ordinal)),
                6 => Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(whole).Replace("\"v\":1", "\"v\":1,\"v\":1", StringComparison.Ordinal)),
                _ => Damaged(whole, random),
            };
            await File.WriteAllBytesAsync(_home.Path, bytes);
            var store = new AccountStore(_home.Path, _home.Time);
            var refusal = Record.Exception(() => store.HasUsers);
            Assert.True(refusal is null or AccountRefusal { Error: AccountError.Unavailable }, refusal?.ToString());
            Assert.True(i > 6 || refusal is not null);
            if (refusal is not null)
            {
                await Refused.WithAsync(() => new AccountAdministration(store, _home.Time).NewOwnerLinkAsync(CancellationToken.None));
                Assert.Equal(bytes, await File.ReadAllBytesAsync(_home.Path));
            }
        }

        static byte[] Damaged(byte[] whole, Random random)
        {
            var bytes = whole.ToArray();
            for (var n = random.Next(1, 4); n > 0; n--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            return random.Next(3) == 0 ? bytes[..random.Next(bytes.Length)] : bytes;
        }
    }

    [Fact]
    public async Task A_file_of_before_passkeys_is_read_and_says_the_same_version()
    {
        var owner = await _home.OwnerAsync();
        var text = await File.ReadAllTextAsync(_home.Path);
        Assert.Contains("\"v\":1,", text, StringComparison.Ordinal);
        var before = text.Replace(",\"passkeys\":null", "", StringComparison.Ordinal)
            .Replace(",\"passkey\":null", "", StringComparison.Ordinal);
        Assert.DoesNotContain("passkey", before, StringComparison.Ordinal);
        await File.WriteAllTextAsync(_home.Path, before);
        Assert.Equal("ada", owner.Who().Name);
        await owner.RefreshAsync();
        Assert.Contains("\"v\":1,", await File.ReadAllTextAsync(_home.Path), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[]", true)]
    [InlineData("[null]", false)]
    [InlineData("""[{"id":"1","credentialId":"AA","publicKey":"AA","counter":0,"mayBeSynced":false,"name":"Phone","createdAt":"2026-11-26T00:00:00Z","usedAt":null}]""", true)]
    [InlineData("""[{"id":"1","credentialId":"%%","publicKey":"AA","counter":0,"mayBeSynced":false,"name":"Phone","createdAt":"2026-11-26T00:00:00Z","usedAt":null}]""", false)]
    [InlineData("""[{"id":"1","credentialId":"AA","publicKey":"A","counter":0,"mayBeSynced":false,"name":"Phone","createdAt":"2026-11-26T00:00:00Z","usedAt":null}]""", false)]
    [InlineData("""[{"id":"1","credentialId":"AA","publicKey":"AA","counter":-1,"mayBeSynced":false,"name":"Phone","createdAt":"2026-11-26T00:00:00Z","usedAt":null}]""", false)]
    [InlineData("""[{"id":"1","credentialId":"AA"}]""", false)]
    public async Task Passkeys_in_the_file_are_whole_or_it_is_damaged(string passkeys, bool whole)
    {
        await _home.OwnerAsync();
        var text = await File.ReadAllTextAsync(_home.Path);
        await File.WriteAllTextAsync(_home.Path, text.Replace("\"v\":1", "\"v\":2", StringComparison.Ordinal)
            .Replace("\"passkeys\":null", "\"passkeys\":" + passkeys, StringComparison.Ordinal));
        var refusal = Record.Exception(() => new AccountStore(_home.Path, _home.Time).HasUsers);
        Assert.Equal(whole, refusal is null);
        Assert.True(refusal is null or AccountRefusal { Error: AccountError.Unavailable });
    }

    [Fact]
    public async Task Changes_of_several_programs_are_all_kept()
    {
        var owner = await _home.OwnerAsync();
        var person = owner.Who();
        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => Task.Run(() => new People(
            new AccountStore(_home.Path, _home.Time), _home.Time).InviteAsync(person, Role.Viewer, null, CancellationToken.None))));
        Assert.Equal(20, _home.People.List(person).Invitations.Count);
    }

    [Fact]
    public async Task What_another_program_changed_is_seen_by_the_next_look()
    {
        var owner = await _home.OwnerAsync();
        var signIn = owner.Who().SignInId;
        Assert.True(_home.SignIns.MayMeet(signIn, "desk"));
        await new AccountAdministration(new AccountStore(_home.Path, _home.Time), _home.Time).RemoveAsync("ada", CancellationToken.None);
        Assert.False(_home.SignIns.MayMeet(signIn, "desk"));
        File.Delete(_home.Path);
        Assert.False(_home.Store.HasUsers);
    }
}

using System.Text;
using PocketCoder.Broker.Secrets;
using PocketCoder.Platform;
using PocketCoder.Testing;

namespace PocketCoder.Broker.Tests.Secrets;

public sealed class SecretStoreTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("secrets-").FullName;

    private string Store => Path.Combine(_folder, "secrets.json");

    private string Key => Path.Combine(_folder, "secrets.key");

    [Fact]
    public void A_secret_survives_a_restart_and_stands_nowhere_in_clear()
    {
        using (var store = Open())
        {
            store.Set("anthropic", "sk-ant-very-secret-value");
            store.Set("openai", "sk-other");
            store.Set("anthropic", "sk-ant-second-value");
        }

        using var again = Open();
        Assert.Equal("sk-ant-second-value", again.Get("anthropic"));
        Assert.Null(again.Get("nothing"));
        Assert.Equal(["anthropic", "openai"], again.List().Select(s => s.Name));
        var all = string.Concat(Directory.EnumerateFiles(_folder).Where(f => !f.EndsWith(".lock", StringComparison.Ordinal))
            .Select(f => Encoding.Latin1.GetString(File.ReadAllBytes(f))));
        Assert.DoesNotContain("sk-ant", all, StringComparison.Ordinal);
        Assert.DoesNotContain(Convert.ToBase64String("sk-ant"u8), all, StringComparison.Ordinal);
        Assert.Equal(["secrets.json", "secrets.json.lock", "secrets.key"],
            Directory.EnumerateFiles(_folder).Select(Path.GetFileName).Order());
        Assert.NotNull(again.Remove("openai"));
        Assert.Null(again.Remove("openai"));
        Assert.Null(again.Get("openai"));
    }

    [Fact]
    public void Who_set_a_secret_is_kept_over_a_restart_and_another_key()
    {
        using (var store = Open())
        {
            store.Set("anthropic", "sk-ant-very-secret-value", "phone");
            store.Set("openai", "sk-other", "phone");
            store.Set("openai", "sk-another");
            store.Rotate();
        }

        using var again = Open();
        Assert.Equal([("anthropic", "phone"), ("openai", null)], again.List().Select(s => (s.Name, s.SetBy)));
    }

    [Fact]
    public void A_change_can_be_taken_back_until_the_next_one()
    {
        using (var store = Open())
        {
            store.Undo(store.Set("a", "never"));
            Assert.Empty(store.List());
            store.Set("a", "first", "phone");
            var before = store.List();
            store.Undo(store.Set("a", "second"));
            Assert.Equal(("first", before[0]), (store.Get("a"), store.List()[0]));
            store.Undo(store.Remove("a")!);
            Assert.Equal("first", store.Get("a"));
            var late = store.Set("a", "third");
            store.Set("a", "fourth");
            store.Undo(late);
            Assert.Equal("fourth", store.Get("a"));
        }

        using var again = Open();
        Assert.Equal("fourth", again.Get("a"));
    }

    [Fact]
    public void Both_files_are_their_owners_alone()
    {
        using var store = Open();
        store.Set("a", "value");
        Assert.All([Store, Key], f => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(f)));
    }

    [Fact]
    public void A_wrong_a_missing_an_exposed_and_a_broken_key_are_told_apart()
    {
        using (var store = Open())
        {
            store.Set("a", "value");
        }

        var key = File.ReadAllText(Key);
        File.Delete(Key);
        Assert.Equal(SecretError.KeyMissing, Failure());
        PrivateFile.Replace(Key, Encoding.ASCII.GetBytes(Convert.ToBase64String(new byte[32])));
        Assert.Equal(SecretError.KeyWrong, Failure());
        PrivateFile.Replace(Key, "not a key"u8);
        Assert.Equal(SecretError.KeyMalformed, Failure());
        PrivateFile.Replace(Key, Encoding.ASCII.GetBytes(key));
        File.SetUnixFileMode(Key, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        Assert.Equal(SecretError.KeyExposed, Failure());
        File.SetUnixFileMode(Key, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        using var again = Open();
        Assert.Equal("value", again.Get("a"));

        SecretError Failure() => Assert.Throws<SecretException>(Open).Error;
    }

    [Fact]
    public void Changing_the_key_keeps_the_secrets_and_the_old_key_opens_nothing()
    {
        using (var store = Open())
        {
            store.Set("a", "value");
            var old = File.ReadAllBytes(Key);
            store.Rotate();
            Assert.Equal("value", store.Get("a"));
            store.Set("b", "other");
            Assert.NotEqual(old, File.ReadAllBytes(Key));
            Assert.False(File.Exists(Key + ".next"));
        }

        using var again = Open();
        Assert.Equal(("value", "other"), (again.Get("a"), again.Get("b")));
    }

    [Fact]
    public void A_change_of_keys_that_was_cut_off_at_any_point_leaves_a_store_that_opens()
    {
        using (var store = Open())
        {
            store.Set("a", "value");
        }

        var (oldKey, oldStore) = (File.ReadAllBytes(Key), File.ReadAllBytes(Store));
        using (var store = Open())
        {
            store.Rotate();
        }

        var (newKey, newStore) = (File.ReadAllBytes(Key), File.ReadAllBytes(Store));

        // Cut after the next key was written, and after the store was written.
        foreach (var content in (byte[][])[oldStore, newStore])
        {
            PrivateFile.Replace(Key, oldKey);
            PrivateFile.Replace(Key + ".next", newKey);
            PrivateFile.Replace(Store, content);
            using var store = Open();
            Assert.Equal("value", store.Get("a"));
        }
    }

    [Fact]
    public void A_changed_file_is_noticed()
    {
        using (var store = Open())
        {
            store.Set("a", "value-of-a");
            store.Set("b", "value-of-b");
        }

        var text = File.ReadAllText(Store);
        File.WriteAllText(Store, text.Replace("\"name\":\"a\"", "\"name\":\"x\"", StringComparison.Ordinal)
            .Replace("\"name\":\"b\"", "\"name\":\"a\"", StringComparison.Ordinal));
        using (var store = Open())
        {
            Assert.Equal(SecretError.Damaged, Assert.Throws<SecretException>(() => store.Get("a")).Error);
        }

        foreach (var broken in (string[])["", "{}", "null", "[1]", text[..^20],
            text.Replace("\"v\":1", "\"v\":2", StringComparison.Ordinal)])
        {
            File.WriteAllText(Store, broken);
            Assert.Equal(SecretError.Damaged, Assert.Throws<SecretException>(Open).Error);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("../x")]
    [InlineData("ä")]
    public void Names_are_plain(string name)
    {
        using var store = Open();
        Assert.Equal(SecretError.NameInvalid, Assert.Throws<SecretException>(() => store.Set(name, "value")).Error);
        Assert.Equal(SecretError.ValueInvalid, Assert.Throws<SecretException>(() => store.Set("a", "")).Error);
        Assert.Equal(SecretError.ValueInvalid,
            Assert.Throws<SecretException>(() => store.Set("a", new string('x', SecretStore.MaxValueBytes + 1))).Error);
        Assert.Empty(store.List());
    }

    [Fact]
    public void One_has_it_open_at_a_time_and_what_a_cut_off_write_left_is_cleared_away()
    {
        using (var store = Open())
        {
            store.Set("a", "value");
            Assert.Equal(SecretError.InUse, Assert.Throws<SecretException>(Open).Error);
        }

        var left = Path.Combine(_folder, $".secrets.json.{Guid.CreateVersion7():N}.tmp");
        var foreign = Path.Combine(_folder, ".other.json.tmp");
        File.WriteAllText(left, "half");
        File.WriteAllText(foreign, "somebody's");
        using var again = Open();
        Assert.Equal("value", again.Get("a"));
        Assert.False(File.Exists(left));
        Assert.True(File.Exists(foreign));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private SecretStore Open() => SecretStore.Open(Store, Key, new ManualTime());
}

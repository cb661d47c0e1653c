using System.Text.RegularExpressions;
using PocketCoder.Agents;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Entries;
using PocketCoder.Machine.Models;
using PocketCoder.Machine.Notifications;
using PocketCoder.Machine.Settings;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Tests.Starting;

/// <summary>Whatever file of the home sets something: what was changed while no daemon ran is a row of the next start.</summary>
public sealed class HomeSettingsTests
{
    /// <summary>What of the home is compared, by the name of its path and of the setting.</summary>
    private static readonly Dictionary<string, string> s_compared = new(StringComparer.Ordinal)
    {
        [nameof(Home.MachineLabel)] = FileSettings.Label,
        [nameof(Home.Prices)] = FileSettings.Prices,
        [nameof(Home.Providers)] = FileSettings.Providers,
        [nameof(Home.PushServices)] = FileSettings.PushServices,
        [nameof(Home.Notify)] = FileSettings.Receivers,
        [nameof(Home.Feishu)] = FileSettings.Feishu,
        [nameof(Home.Secrets)] = FileSettings.Secrets,
        [nameof(Home.Link)] = "RemoteGateway, with the options",
        [nameof(Home.Config)] = "the options that it gives",
    };

    /// <summary>What sets nothing, or is another program's. A new path is added here or above: what it weakens is a decision.</summary>
    private static readonly string[] s_others =
    [
        nameof(Home.Root), nameof(Home.Database), nameof(Home.MachineKey), nameof(Home.LedgerHead), nameof(Home.PidFile),
        nameof(Home.LockFile), nameof(Home.ControlSocket), nameof(Home.ControlToken), nameof(Home.Logs), nameof(Home.LogFile),
        nameof(Home.Tls), nameof(Home.Gateway), nameof(Home.GatewayConfig), nameof(Home.Sandboxes), nameof(Home.SecretKey),
        nameof(Home.PushKey),
        nameof(Home.AgentFiles), nameof(Home.Attachments), nameof(Home.Attached), nameof(Home.Outputs), nameof(Home.Search),
        nameof(Home.Finder), nameof(Home.Files), nameof(Home.Snapshots), nameof(Home.Guard), nameof(Home.TakenAway), nameof(Home.Worktrees),
        nameof(Home.Demo), nameof(Home.StartStep),
    ];

    [Fact]
    public void Every_path_of_the_home_is_compared_at_a_start_or_known_to_set_nothing()
    {
        var paths = typeof(Home).GetProperties().Where(p => p.PropertyType == typeof(string)).Select(p => p.Name);
        Assert.Equal(paths.Order(StringComparer.Ordinal), s_compared.Keys.Concat(s_others).Order(StringComparer.Ordinal));
        Assert.Superset(s_compared.Values.ToHashSet(StringComparer.Ordinal),
            FileSettings.All.Where(n => n != FileSettings.Agents).Concat(s_compared.Values).ToHashSet(StringComparer.Ordinal));
        Assert.All(FileSettings.All.Except([FileSettings.Agents]), n => Assert.Contains(n, s_compared.Values));
    }

    /// <summary>A file, what stands in it, and what the row says; none of them may say <c>of-mine</c>.</summary>
    public static TheoryData<string, string, string> Written => new()
    {
        { FileSettings.Label, "machine-label.txt|another\n", "another" },
        { FileSettings.Prices, "prices.json|{\"models\":[]}", "your own" },
        { FileSettings.PushServices, "push-services|# of-mine\nhttps://me:of-mine@push.home.example:8443/of-mine\nof-mine\n",
            "https://push.home.example:8443 ?" },
        {
            FileSettings.Agents,
            "agents.json|{\"agents\":[{\"id\":\"planted\",\"name\":\"P\",\"command\":[\"/bin/true\",\"of-mine\"],\"modes\":[\"ask\"]}]}",
            "planted"
        },
        {
            FileSettings.Receivers,
            "notify.json|{\"v\":1,\"receivers\":[{\"name\":\"spy\",\"kind\":\"ntfy\",\"url\":\"https://n.example/of-mine\",\"secret\":\"of-mine\",\"details\":true,\"digest\":false}]}",
            "spy: ntfy https://n.example with details"
        },
        {
            FileSettings.Providers,
            "providers.json|{\"v\":1,\"providers\":[{\"name\":\"lan\",\"dialect\":\"openai-chat\",\"url\":\"http://10.0.0.2:8000/v1\",\"models\":[{\"id\":\"of-mine\"}]}]}",
            "lan: openai-chat at http://10.0.0.2:8000/v1, 1 model, 0 with a price"
        },
        {
            FileSettings.Feishu,
            "feishu.json|{\"v\":1,\"appId\":\"cli_planted\",\"domain\":\"https://f.example/\",\"language\":\"en\",\"enabled\":true}",
            "cli_planted at https://f.example, en, on"
        },
    };

    [Theory]
    [MemberData(nameof(Written))]
    public async Task What_was_put_there_changed_and_taken_away_while_it_was_off_is_a_row_each_and_nothing_secret_is_in_it(
        string name, string file, string words)
    {
        await using var daemon = await TestDaemon.StartAsync();
        var (path, content) = (Path.Combine(daemon.Options.Home.Root, file.Split('|', 2)[0]), file.Split('|', 2)[1]);
        var usual = name switch { FileSettings.Label => Environment.MachineName, FileSettings.Prices => "the built-in ones", _ => "none" };
        if (name == FileSettings.Prices)
        {
            content = await File.ReadAllTextAsync(PocketCoder.Testing.Repository.PathOf("src/PocketCoder.Broker/Models/prices.json"));
        }

        await daemon.RestartAsync();
        Assert.Empty(await RowsAsync(daemon)); // nothing changed

        await File.WriteAllTextAsync(path, content);
        Close(path);
        await daemon.RestartAsync();
        Assert.Equal([(name, words, usual)], await RowsAsync(daemon));
        await daemon.RestartAsync();
        Assert.Single(await RowsAsync(daemon)); // told once

        if (name is FileSettings.Receivers)
        {
            // The server and the options stay; the topic is another one.
            await File.WriteAllTextAsync(path, content.Replace("n.example/of-mine", "n.example/another-of-mine", StringComparison.Ordinal));
            await daemon.RestartAsync();
            Assert.Equal((name, $"{words} (changed within)", words), (await RowsAsync(daemon))[^1]);
        }

        File.Delete(path);
        await daemon.RestartAsync();
        Assert.Equal((name, usual, words), (await RowsAsync(daemon))[^1]);
    }

    [Fact]
    public async Task A_secret_of_before_that_was_put_back_is_a_row_and_its_value_is_nowhere()
    {
        await using var daemon = await TestDaemon.StartAsync();
        using var owner = Owner(daemon);
        var home = daemon.Options.Home;
        var empty = await File.ReadAllBytesAsync(home.Secrets);
        await owner.SetSecretAsync("anthropic", "value-of-mine", default);
        var old = await File.ReadAllBytesAsync(home.Secrets);
        await owner.SetSecretAsync("anthropic", "newer-of-mine", default);

        await File.WriteAllBytesAsync(home.Secrets, old);
        await daemon.RestartAsync();
        Assert.Equal([(FileSettings.Secrets, "anthropic (changed within)", "anthropic")], await RowsAsync(daemon));
        await File.WriteAllBytesAsync(home.Secrets, empty);
        await daemon.RestartAsync();
        Assert.Equal((FileSettings.Secrets, "none", "anthropic"), (await RowsAsync(daemon))[^1]);
    }

    [Fact]
    public async Task What_was_changed_while_the_daemon_ran_has_its_own_row_and_none_at_the_next_start()
    {
        await using var daemon = await TestDaemon.StartAsync();
        using (var owner = Owner(daemon))
        {
            await owner.SetSecretAsync("anthropic", "one", default);
            await owner.SetLabelAsync("desk", default);
            await owner.SetReceiverAsync(new NotifySetRequest("hook", ReceiverKind.Webhook, "https://h.example/x"), default);
            await owner.SetReceiverAsync(new NotifySetRequest("gone", ReceiverKind.Webhook, "https://h.example/y"), default);
            await owner.RemoveReceiverAsync("gone", default);
            await owner.SetProviderAsync(
                new ProviderSetRequest("lan", ProviderDialect.OpenaiChat, "http://127.0.0.1:9/v1", [new OwnModel("m")], "key-of-mine-0123456789"),
                default);
            await owner.SetEntryAsync(
                new EntrySetRequest("feishu", new EntrySetting("cli_a", "https://f.example", "en", true), "of-mine"), default);
        }

        await daemon.RestartAsync();
        Assert.Empty(await RowsAsync(daemon));
    }

    [Fact]
    public async Task What_could_not_be_recorded_is_not_remembered_either()
    {
        var fails = false;
        await using var daemon = await TestDaemon.StartAsync(seams: s => s with
        {
            Seam = step => _ = fails && step == "commit" ? throw new InvalidOperationException("as if the disk were full") : 0,
        });
        using var owner = Owner(daemon);
        fails = true;
        await Assert.ThrowsAsync<ControlException>(() => owner.SetLabelAsync("desk", default));
        await Assert.ThrowsAsync<ControlException>(() => owner.SetSecretAsync("anthropic", "one", default));
        fails = false;
        await daemon.RestartAsync();
        Assert.Empty(await RowsAsync(daemon));
    }

    private static async Task<IReadOnlyList<(string Name, string Value, string Old)>> RowsAsync(TestDaemon daemon)
    {
        using var owner = Owner(daemon);
        var rows = (await owner.ListLedgerAsync(new LedgerListRequest(Limit: 200), default)).Rows
            .Where(r => r.Body.Contains("\"what\":\"start\"", StringComparison.Ordinal)).OrderBy(r => r.Seq).Select(r => r.Body).ToList();
        Assert.All(rows, r => Assert.DoesNotContain("of-mine", r, StringComparison.Ordinal));
        return [.. rows.Select(r => (Member(r, "name"), Member(r, "value"), Member(r, "old")))];
    }

    private static string Member(string row, string name)
        => Regex.Match(row, $"\"{name}\":\"([^\"]*)\"", RegexOptions.None, TimeSpan.FromSeconds(2)).Groups[1].Value;

    private static void Close(string path)
    {
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
    }

    private static ControlClient Owner(TestDaemon daemon) => new(new InProcessTransport(daemon.Daemon.Owner));
}

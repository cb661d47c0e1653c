using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using PocketCoder.Ledger;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Secrets;

/// <summary>The keys of model providers, set, tried and removed from a device that can manage.</summary>
public sealed class ProviderKeyTests
{
    private const string Key = "sk-ant-a-key-from-a-phone-0123456789";
    private const string Other = "sk-ant-another-key-from-a-phone-987654";

    [Fact]
    public async Task A_phone_sets_replaces_and_removes_a_key_with_a_row_each_and_its_value_is_nowhere()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PairAsync();
        Assert.Equal(["anthropic", "openai", "google"], phone.Hello.Machine.Keys.Select(k => k.Provider));
        Assert.All(phone.Hello.Machine.Keys, k => Assert.Equal((null, null), (k.SetAt, k.SetBy)));

        var set = await SetAsync(phone, "anthropic", Key);
        Assert.Equal(("anthropic", "phone"), (set.Provider, set.SetBy));
        Assert.NotNull(set.SetAt);
        await SetAsync(phone, "anthropic", Other);
        Assert.True((await RemoveAsync(phone, "anthropic")).Was);
        var again = await RemoveAsync(phone, "anthropic");
        Assert.Equal((false, null, null), (again.Was, again.Key.SetAt, again.Key.SetBy));

        var rows = await daemon.Daemon.AsOwner().ListLedgerAsync(new LedgerListRequest(Limit: 200), CancellationToken.None);
        var changes = rows.Rows.Reverse().Select(r => JsonDocument.Parse(r.Body).RootElement)
            .Where(r => r.GetProperty("kind").GetString() == LedgerKind.ConfigurationChanged).ToList();
        Assert.Equal(
            ["secret anthropic set", "secret anthropic set", "secret anthropic removed"],
            changes.Select(r => r.GetProperty("data"))
                .Select(d => $"{d.GetProperty("what")} {d.GetProperty("name")} {d.GetProperty("action")}"));
        Assert.All(changes, r => Assert.Equal(phone.Hello.DeviceId, r.GetProperty("deviceId").GetString()));

        await daemon.Daemon.StopAsync("the test looks at the files");
        var written = Directory.EnumerateFiles(daemon.Options.Home.Root, "*", SearchOption.AllDirectories)
            .Where(f => Path.GetExtension(f) is not ".lock" and not ".sock").Select(f => Encoding.UTF8.GetString(File.ReadAllBytes(f)))
            .Append(daemon.Log.ToString()!);
        Assert.All(written, text => Assert.False(
            text.Contains(Key, StringComparison.Ordinal) || text.Contains(Other, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Every_device_is_told_that_a_key_changed_and_by_whom_and_one_that_was_away_sees_it_when_it_is_back()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var viewer = await daemon.PhoneAsync("tablet", Scope.View);
        await viewer.Device.SubscribeAsync("machine", viewer.Device.Hello.Instance);
        await using var phone = await daemon.PairAsync();
        await daemon.Daemon.AsOwner().SetSecretAsync("database", "a secret of the owner's", CancellationToken.None);
        await SetAsync(phone, "openai", Key);
        var told = await viewer.Device.NextAsync(
            e => e.Payload.ToString()!.Contains("\"setBy\":\"phone\"", StringComparison.Ordinal), "the machine's description");
        Assert.DoesNotContain(Key, told.Payload.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("database", told.Payload.ToString(), StringComparison.Ordinal);

        await daemon.RestartAsync();
        await using var back = await viewer.Device.AgainAsync(daemon.Url);
        var key = Assert.Single(back.Hello.Machine.Keys, k => k.SetAt is not null);
        Assert.Equal(("openai", "phone"), (key.Provider, key.SetBy));

        // the owner's own hand at the machine is nobody else's
        await daemon.Daemon.AsOwner().SetSecretAsync("openai", Other, CancellationToken.None);
        await using var later = await viewer.Device.AgainAsync(daemon.Url);
        Assert.Null(Assert.Single(later.Hello.Machine.Keys, k => k.SetAt is not null).SetBy);
    }

    [Fact]
    public async Task A_name_that_is_no_providers_and_a_value_that_is_no_key_change_nothing()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PairAsync();
        var owner = daemon.Daemon.AsOwner();
        await owner.SetSecretAsync("database", "a secret of the owner's", CancellationToken.None);
        var before = (await owner.ListLedgerAsync(new LedgerListRequest(), CancellationToken.None)).Rows.Max(r => r.Seq);
        foreach (var name in (string[])["database", "PATH", "Anthropic", "anthropic ", "", "ANTHROPIC_API_KEY", "../secrets"])
        {
            Assert.Equal(ErrorCode.InvalidRequest, await RefusedAsync(() => SetAsync(phone, name, Key)));
            Assert.Equal(ErrorCode.InvalidRequest, await RefusedAsync(() => RemoveAsync(phone, name)));
            Assert.Equal(ErrorCode.InvalidRequest, await RefusedAsync(() => CheckAsync(phone, name)));
        }

        foreach (var value in (string[])["", "password", new string('k', 15), new string('k', 2049), $"{Key} ", $"{Key}\n",
            $"{Key}\r\nX: y", $"{Key}\0", $"{Key}\u202e", $"{Key}\u200b", $"{Key}ü", "git push --force origin"])
        {
            Assert.Equal(ErrorCode.InvalidRequest, await RefusedAsync(() => SetAsync(phone, "anthropic", value)));
        }

        Assert.Equal(["database"], (await owner.ListSecretsAsync(CancellationToken.None)).Select(s => s.Name));
        Assert.Equal(before, (await owner.ListLedgerAsync(new LedgerListRequest(), CancellationToken.None)).Rows.Max(r => r.Seq));
    }

    [Fact]
    public async Task A_device_that_could_get_past_the_owners_budget_by_removing_a_key_can_only_replace_it()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PairAsync();
        var owner = daemon.Daemon.AsOwner();
        await SetAsync(phone, "anthropic", Key);
        await owner.SetBudgetAsync(new BudgetSetRequest(BudgetScope.Day, null, BudgetAction.Stop, 5, null), CancellationToken.None);
        Assert.Equal(ErrorCode.Unauthorized, await RefusedAsync(() => RemoveAsync(phone, "anthropic")));
        await SetAsync(phone, "anthropic", Other);
        await owner.RemoveBudgetAsync(new BudgetRemoveRequest(BudgetScope.Day, null), CancellationToken.None);
        Assert.True((await RemoveAsync(phone, "anthropic")).Was);
    }

    [Fact]
    public async Task A_change_that_cannot_be_recorded_is_none()
    {
        var fails = false;
        await using var daemon = await TestDaemon.StartAsync(seams: s => s with
        {
            Seam = step =>
            {
                if (fails && step == "commit")
                {
                    throw new IOException("the disk of the test is broken");
                }
            },
        });
        await using var provider = await Provider.StartAsync();
        await daemon.RestartAsync(change: o => o with { ModelUpstreams = provider.As("anthropic") });
        await using var phone = await daemon.PairAsync();
        await SetAsync(phone, "anthropic", Key);
        var before = Assert.Single(await daemon.Daemon.AsOwner().ListSecretsAsync(CancellationToken.None));
        fails = true;
        await RefusedAsync(() => SetAsync(phone, "anthropic", Other));
        await RefusedAsync(() => RemoveAsync(phone, "anthropic"));
        await RefusedAsync(() => SetAsync(phone, "openai", Other));
        fails = false;
        Assert.Equal(before, Assert.Single(await daemon.Daemon.AsOwner().ListSecretsAsync(CancellationToken.None)));
        await CheckAsync(phone, "anthropic");
        Assert.Equal(Key, Assert.Single(provider.Keys));
    }

    [Fact]
    public async Task A_check_asks_the_configured_address_says_what_the_status_means_and_gives_no_word_of_the_answer()
    {
        await using var provider = await Provider.StartAsync();
        await using var daemon = await TestDaemon.StartAsync(more: o => o with { ModelUpstreams = provider.As("anthropic") });
        await using var phone = await daemon.PairAsync();
        Assert.Equal(ErrorCode.Conflict, await RefusedAsync(() => CheckAsync(phone, "anthropic")));
        Assert.Empty(provider.Keys);
        await SetAsync(phone, "anthropic", Key);
        foreach (var (status, verdict) in ((int, ProviderKeyVerdict)[])[(200, ProviderKeyVerdict.Works), (401, ProviderKeyVerdict.Refused),
            (500, ProviderKeyVerdict.Unclear)])
        {
            provider.Status = status;
            var answer = await CheckAsync(phone, "anthropic");
            Assert.Equal((verdict, status, provider.Address.Authority), (answer.Verdict, answer.Status, answer.Host));
        }

        Assert.Equal([Key, Key, Key], provider.Keys);
    }

    [Fact]
    public async Task One_check_runs_at_a_time()
    {
        await using var provider = await Provider.StartAsync();
        await using var daemon = await TestDaemon.StartAsync(more: o => o with { ModelUpstreams = provider.As("anthropic") });
        await using var phone = await daemon.PairAsync();
        await SetAsync(phone, "anthropic", Key);
        provider.Waits = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var first = CheckAsync(phone, "anthropic");
        await Wait.UntilAsync(() => !provider.Keys.IsEmpty, "the provider is asked");
        Assert.Equal(ErrorCode.RateLimited, await RefusedAsync(() => CheckAsync(phone, "anthropic")));
        provider.Waits.SetResult();
        Assert.Equal(ProviderKeyVerdict.Works, (await first).Verdict);
        Assert.Equal(ProviderKeyVerdict.Works, (await CheckAsync(phone, "anthropic")).Verdict);
    }

    private static async Task<ProviderKeyInfo> SetAsync(TestDevice device, string provider, string value)
        => (await AskAsync<ProviderKeySetRequest, ProviderKeySetResponse>(
            device, MessageTypes.ProviderKeySet, new ProviderKeySetRequest(provider, value))).Key;

    private static Task<ProviderKeyRemoveResponse> RemoveAsync(TestDevice device, string provider)
        => AskAsync<ProviderKeyRemoveRequest, ProviderKeyRemoveResponse>(
            device, MessageTypes.ProviderKeyRemove, new ProviderKeyRemoveRequest(provider));

    private static Task<ProviderKeyCheckResponse> CheckAsync(TestDevice device, string provider)
        => AskAsync<ProviderKeyCheckRequest, ProviderKeyCheckResponse>(
            device, MessageTypes.ProviderKeyCheck, new ProviderKeyCheckRequest(provider));

    private static async Task<ErrorCode> RefusedAsync(Func<Task> ask) => (await Assert.ThrowsAsync<WireErrorException>(ask)).Error.Code;

    private static Task<TResponse> AskAsync<TRequest, TResponse>(TestDevice device, string type, TRequest request) => device.AskAsync(
        type, request, (JsonTypeInfo<TRequest>)ProtocolJson.Default.GetTypeInfo(typeof(TRequest))!,
        (JsonTypeInfo<TResponse>)ProtocolJson.Default.GetTypeInfo(typeof(TResponse))!);

    /// <summary>A provider that answers every key with one status, and words that must go no further.</summary>
    private sealed class Provider : IAsyncDisposable
    {
        private readonly WebApplication _app;

        private Provider(WebApplication app) => _app = app;

        public ConcurrentQueue<string> Keys { get; } = new();

        public int Status { get; set; } = 200;

        public TaskCompletionSource? Waits { get; set; }

        public Uri Address => new(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

        public static async Task<Provider> StartAsync()
        {
            var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
            builder.WebHost.UseKestrelCore().ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
            var provider = new Provider(builder.Build());
            provider._app.Run(async context =>
            {
                provider.Keys.Enqueue(context.Request.Headers["x-api-key"].ToString());
                await (provider.Waits?.Task ?? Task.CompletedTask);
                context.Response.StatusCode = provider.Status;
                await context.Response.WriteAsync("words of the provider's own");
            });
            await provider._app.StartAsync();
            return provider;
        }

        public Dictionary<string, Uri> As(string name) => new(StringComparer.Ordinal) { [name] = Address };

        public ValueTask DisposeAsync() => _app.DisposeAsync();
    }
}

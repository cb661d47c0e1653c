using Microsoft.Extensions.Logging;
using PocketCoder.Entry;
using PocketCoder.Feishu.Bot;
using PocketCoder.Feishu.Cards;
using PocketCoder.Gateway;
using PocketCoder.Machine;
using PocketCoder.Machine.Entries;
using PocketCoder.Machine.Linking;

namespace PocketCoder.Cli.Commands;

/// <summary>The Feishu bot as a start makes it from what the owner set. The platform's facts are here, the machine knows none.</summary>
internal static class FeishuEntry
{
    /// <summary>Feishu; people with Lark set <c>https://open.larksuite.com</c>.</summary>
    public const string UsualDomain = "https://open.feishu.cn";

    /// <returns>Nothing, unless it is set up and on.</returns>
    /// <exception cref="HomeRefusal">A file of the home is damaged; the message says what to do.</exception>
    public static IReadOnlyList<IEntryPoint> Of(Home home, GatewayOptions gateway, TimeProvider time, ILoggerFactory log)
        => EntrySetting.Read(home) is { Enabled: true } set
            ? [new FeishuBot(Settings(set, AppAddress.Of(home, gateway)), time, log.CreateLogger("PocketCoder.Feishu"))] : [];

    private static FeishuBotSettings Settings(EntrySetting set, Uri? app) => new(
        set.AppId, new Uri(set.Domain), set.Language == "zh" ? CardLanguage.Chinese : CardLanguage.English, app, set.Endpoint);
}

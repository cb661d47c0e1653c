using Microsoft.Extensions.Logging;
using PocketCoder.Entry;
using PocketCoder.Feishu.Bot;
using PocketCoder.Feishu.Cards;
using PocketCoder.Gateway;
using PocketCoder.Machine;
using PocketCoder.Machine.Entries;
using PocketCoder.Machine.Linking;

namespace PocketCoder.Cli.Commands;

/// <summary>
/// The Feishu bot and the local port as a start makes them from what the owner set. The platform's facts are here, the machine knows none.
/// </summary>
internal static class FeishuEntry
{
    /// <summary>Feishu; people with Lark set <c>https://open.larksuite.com</c>.</summary>
    public const string UsualDomain = "https://open.feishu.cn";

    /// <returns>Nothing, unless it is set up; without the bot where that is off.</returns>
    /// <exception cref="HomeRefusal">A file of the home is damaged; the message says what to do.</exception>
    public static IReadOnlyList<IEntryPoint> Of(Home home, GatewayOptions gateway, TimeProvider time, ILoggerFactory log)
    {
        if (EntrySetting.Read(home) is not { } set)
        {
            return [];
        }

        var (app, logger) = (AppAddress.Of(home, gateway), log.CreateLogger("PocketCoder.Feishu"));
        var language = set.Language == "zh" ? CardLanguage.Chinese : CardLanguage.English;
        var bot = set.Enabled
            ? new FeishuBot(new FeishuBotSettings(set.AppId, new Uri(set.Domain), language, app, set.Endpoint), time, logger) : null;
        var local = set.LocalEndpoint is { } endpoint
            ? new LocalHttp(new LocalHttpSettings(endpoint, language, app, set.Endpoint is not null), bot, time, logger) : null;
        return [.. new IEntryPoint?[] { bot, local }.OfType<IEntryPoint>()];
    }
}

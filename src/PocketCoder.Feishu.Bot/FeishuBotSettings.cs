using System.Net;
using PocketCoder.Feishu.Cards;

namespace PocketCoder.Feishu.Bot;

/// <summary>What the owner set. The secret is not here: it is asked for at each start.</summary>
/// <param name="AppId">Of the custom app, like <c>cli_a1b2c3</c>.</param>
/// <param name="Domain">Like <c>https://open.feishu.cn</c>; gets the secret.</param>
/// <param name="Webhook">Where the platform's requests arrive; null: over the long connection.</param>
/// <param name="App">Where the PocketCoder app is, for what a card can't do; https, or null.</param>
public sealed record FeishuBotSettings(string AppId, Uri Domain, CardLanguage Language, Uri? App, IPEndPoint? Webhook = null);

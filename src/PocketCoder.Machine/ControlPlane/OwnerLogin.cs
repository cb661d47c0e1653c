using System.Text.Json.Serialization;
using PocketCoder.Link;
using PocketCoder.Machine.Linking;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>Asks a gateway with accounts to let this machine in, and leaves it again (docs/link.md, login).</summary>
internal static class OwnerLogin
{
    private static OwnerLoginJson Json => OwnerLoginJson.Default;

    public static Verb<LinkLoginRequest, LoginStep> Login { get; } =
        new("link_login", static () => Json.LinkLoginRequest, static () => Json.LoginStep);

    public static Verb<LinkLogoutRequest, LogoutStep> Logout { get; } =
        new("link_logout", static () => Json.LinkLogoutRequest, static () => Json.LogoutStep);

    public static MessageTable MapOwnerLogin(
        this MessageTable table, string machine, LinkSetting setting, LinkDialer dialer, Store store) => table
        .MapOwner(
            Login,
            async (_, request, ct) =>
            {
                var gateway = OwnerLink.AddressIn(request.Gateway);
                var (step, by) = await AskAsync(dialer, gateway, request.Wait, ct);
                if (step is not null)
                {
                    return step;
                }

                await OwnerLink.ChangeAsync(machine, setting, store, gateway);
                return new LoginStep(LoginState.Linked, dialer.Fingerprint, AddedBy: by, Link: setting.Status);
            })
        .MapOwner(
            Logout,
            async (_, _, ct) =>
            {
                if (setting.Gateway is not { } gateway)
                {
                    return new LogoutStep(null, false);
                }

                var why = await LeaveAsync(dialer, gateway, ct);
                await OwnerLink.ChangeAsync(machine, setting, store, null);
                return new LogoutStep(GatewayAddress.Text(gateway), why is null, why);
            });

    /// <summary>The step; null: the gateway knows this machine, and who let it in.</summary>
    private static async Task<(LoginStep? Step, string? AddedBy)> AskAsync(
        LinkDialer dialer, Uri gateway, bool wait, CancellationToken ct)
    {
        try
        {
            return (null, (await dialer.AskAsync(gateway, wait ? LinkAsks.Wait : LinkAsks.Add, ct)).AddedBy);
        }
        catch (LinkException e)
        {
            var state = e.Refusal?.Code switch
            {
                LinkAsks.Pending or LinkAsks.SlowDown => LoginState.Pending,
                LinkAsks.Refused => LoginState.Refused,
                LinkAsks.Expired => LoginState.Expired,
                // The same from a gateway without accounts and from one of before.
                "unknown_machine" => LoginState.NoAccounts,
                LinkAsks.Busy => throw new RequestFailure(ErrorCode.RateLimited, e.Message),
                _ => throw new RequestFailure(e.Refusal?.IsFinal == true ? ErrorCode.Conflict : ErrorCode.Unavailable, e.Message),
            };
            if (state != LoginState.Pending)
            {
                return (new LoginStep(state, dialer.Fingerprint), null);
            }

            return e.Refusal!.Login is { } login && IsSound(login)
                ? (new LoginStep(state, dialer.Fingerprint, login.Code, login.ExpiresIn, login.Interval), null)
                : throw new RequestFailure(ErrorCode.Unavailable, "The gateway's answer is not what it must be.");
        }
    }

    /// <summary>What a gateway says is shown and waited for, so it is looked at.</summary>
    private static bool IsSound(LinkLogin login)
        => login.Code.Length is > 0 and <= 32 && login.Code.All(c => char.IsAsciiLetterOrDigit(c) || c == '-')
            && login.ExpiresIn is >= 0 and <= 3600 && login.Interval is > 0 and <= 300;

    /// <summary>Why the gateway does not know that this machine left; null: it has forgotten it.</summary>
    private static async Task<string?> LeaveAsync(LinkDialer dialer, Uri gateway, CancellationToken ct)
    {
        try
        {
            await dialer.AskAsync(gateway, LinkAsks.Leave, ct);
            return "The gateway is of an older version and does not take a goodbye.";
        }
        catch (LinkException e)
        {
            return e.Refusal?.Code is LinkAsks.Left or "unknown_machine" ? null : e.Refusal?.Message ?? e.Message;
        }
    }
}

/// <param name="Gateway"><c>https://HOST[:PORT]</c>, or <c>http</c> on loopback.</param>
/// <param name="Wait">Only look whether somebody has decided; else ask anew, which ends what was asked before.</param>
internal sealed record LinkLoginRequest(string Gateway, bool Wait = false);

internal sealed record LinkLogoutRequest;

/// <summary>How far a login is.</summary>
[JsonConverter(typeof(LowerSnake<LoginState>))]
public enum LoginState
{
    /// <summary>Somebody let this machine in, and it is linked.</summary>
    Linked,

    /// <summary>A person has to type the code at the gateway.</summary>
    Pending,

    /// <summary>Somebody said no.</summary>
    Refused,

    /// <summary>Nobody decided in time.</summary>
    Expired,

    /// <summary>This gateway lets machines in by codes only.</summary>
    NoAccounts,
}

/// <summary>How far a login is.</summary>
/// <param name="Fingerprint">This machine's key in words: the same ones are shown to the person at the gateway.</param>
/// <param name="Code">For the person to type; null: not pending.</param>
/// <param name="ExpiresIn">Seconds that it holds.</param>
/// <param name="Interval">Seconds to wait before the next look, at least.</param>
/// <param name="AddedBy">Who let it in; null: it came by a code, or is not linked.</param>
/// <param name="Link">How it stands, when linked.</param>
public sealed record LoginStep(
    LoginState State, string Fingerprint, string? Code = null, int? ExpiresIn = null, int? Interval = null, string? AddedBy = null,
    LinkStatus? Link = null);

/// <param name="Gateway">The one that was left; null: none was set.</param>
/// <param name="Told">Whether the gateway has forgotten this machine.</param>
/// <param name="Why">Why not.</param>
public sealed record LogoutStep(string? Gateway, bool Told, string? Why = null);

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowDuplicateProperties = false,
    MaxDepth = 32)]
[JsonSerializable(typeof(LinkLoginRequest))]
[JsonSerializable(typeof(LoginStep))]
[JsonSerializable(typeof(LinkLogoutRequest))]
[JsonSerializable(typeof(LogoutStep))]
internal sealed partial class OwnerLoginJson : JsonSerializerContext;

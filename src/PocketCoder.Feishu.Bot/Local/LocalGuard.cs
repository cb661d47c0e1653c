using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.Local;

/// <summary>
/// Who may ask at all. Any local user and any web page can reach a port: so a request needs the token, a Host of this computer, and must
/// not come from a page. Pure.
/// </summary>
internal static class LocalGuard
{
    private const string Scheme = "Bearer ";

    /// <param name="token">Null: there is none, and nobody may.</param>
    /// <exception cref="LocalFailure">They may not.</exception>
    public static void Require(HttpRequest request, int port, string? token)
    {
        // A page whose name was made to lead here (DNS rebinding) sends its own name.
        if (request.Host.Host is not ("127.0.0.1" or "localhost" or "[::1]" or "::1")
            || (request.Host.Port is { } named && named != port))
        {
            throw new LocalFailure(
                StatusCodes.Status421MisdirectedRequest, ErrorCode.Unauthorized, "Ask under 127.0.0.1, [::1] or localhost.");
        }

        if (request.Headers.Origin.Count > 0 || request.Headers.ContainsKey("Sec-Fetch-Site"))
        {
            throw new LocalFailure(StatusCodes.Status403Forbidden, ErrorCode.Unauthorized, "Web pages are not answered here.");
        }

        var given = request.Headers.Authorization is [{ } header] && header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
            ? header[Scheme.Length..].Trim() : "";
        if (token is null || !CryptographicOperations.FixedTimeEquals(Hash(given), Hash(token)))
        {
            throw new LocalFailure(
                StatusCodes.Status401Unauthorized, ErrorCode.Unauthorized,
                "Send the token that pocketcoder feishu config --local-http showed: Authorization: Bearer …");
        }
    }

    /// <summary>So that the comparison takes as long for every length.</summary>
    private static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));
}

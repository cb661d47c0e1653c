using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using PocketCoder.Gateway.Hosting;

namespace PocketCoder.Gateway.App;

/// <summary>Serves the app: its files, and its page for every address without an extension (the app has its own routes).</summary>
internal sealed class AppRoute(AppFiles files)
{
    private const string NotBuilt =
        """
        PocketCoder runs, but this build was made without the app.
        In a checkout, type ./start.sh (or: cd app && npm ci && npm run build), then build again.

        """;

    public Task HandleAsync(HttpContext context)
    {
        var path = context.Request.Path.Value?.TrimStart('/') ?? "";
        if (files.IsEmpty)
        {
            return path.Length == 0
                ? PlainText.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, NotBuilt)
                : NotFoundAsync(context);
        }

        var file = path.Length == 0 ? files.Index : files.Find(path);
        if (file is null && !path[(path.LastIndexOf('/') + 1)..].Contains('.', StringComparison.Ordinal)
            && !path.StartsWith("v1/", StringComparison.OrdinalIgnoreCase))
        {
            file = files.Index;
        }

        return file is null ? NotFoundAsync(context) : SendAsync(context, file);
    }

    private static Task NotFoundAsync(HttpContext context)
        => PlainText.WriteAsync(context, StatusCodes.Status404NotFound, "There is nothing here.\n");

    private static async Task SendAsync(HttpContext context, AppFile file)
    {
        var (request, response) = (context.Request, context.Response);
        var encoding = Choose(file, request.Headers.AcceptEncoding.ToString());
        var tag = file.TagOf(encoding);
        response.Headers.ETag = tag;
        response.Headers.CacheControl = file.CacheControl;
        response.Headers.Vary = "Accept-Encoding";
        if (EntityTagHeaderValue.TryParseList(request.Headers.IfNoneMatch, out var known)
            && known.Any(k => k.Compare(new EntityTagHeaderValue(tag), useStrongComparison: false) || k.Equals(EntityTagHeaderValue.Any)))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        response.ContentType = file.ContentType;
        if (encoding.Length > 0)
        {
            response.Headers.ContentEncoding = encoding;
        }

        await using var content = file.Open(encoding);
        response.ContentLength = content.Length;
        if (!HttpMethods.IsHead(request.Method))
        {
            await content.CopyToAsync(response.Body, context.RequestAborted);
        }
    }

    /// <summary>
    /// The best variant the client takes (RFC 9110 §12.5.3); weights other than "not at all" are not compared: Brotli is smaller for
    /// everyone.
    /// </summary>
    private static string Choose(AppFile file, string accept)
    {
        if (accept.Length == 0 || !StringWithQualityHeaderValue.TryParseList([accept], out var accepted))
        {
            return "";
        }

        return file.Encodings.FirstOrDefault(
            e => accepted.Any(a => a.Value.Equals(e, StringComparison.OrdinalIgnoreCase) && a.Quality is not 0)) ?? "";
    }
}

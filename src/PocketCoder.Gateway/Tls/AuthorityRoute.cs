using Microsoft.AspNetCore.Http;

namespace PocketCoder.Gateway.Tls;

/// <summary>The local CA's certificate, for phones that are to trust it. Public by nature; the key never leaves the machine.</summary>
internal sealed class AuthorityRoute(byte[] der)
{
    public Task HandleAsync(HttpContext context)
    {
        var response = context.Response;
        response.ContentType = "application/x-x509-ca-cert";
        response.ContentLength = der.Length;
        response.Headers.CacheControl = "no-cache";
        response.Headers.ContentDisposition = "attachment; filename=\"pocketcoder-ca.crt\"";
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask
            : response.Body.WriteAsync(der, context.RequestAborted).AsTask();
    }
}

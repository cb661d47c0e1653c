using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;

namespace PocketCoder.Gateway.Hosting;

/// <summary>
/// Adds routes to a server, each with who may use it. ASP.NET Core's own <c>MapGet</c> and its like bring filters and answers of any type
/// along; with them the native program holds what writes and reads every JSON type asynchronously, used or not (8 MB of memory,
/// docs/decisions/native-program.md). Not thread-safe: a server's routes are added before it starts.
/// </summary>
public static class RouteTable
{
    /// <summary>GET, and HEAD for the same without a body.</summary>
    public static IReadOnlyList<string> Reads { get; } = [HttpMethods.Get, HttpMethods.Head];

    public static IReadOnlyList<string> Get { get; } = [HttpMethods.Get];

    public static IReadOnlyList<string> Post { get; } = [HttpMethods.Post];

    public static IReadOnlyList<string> Delete { get; } = [HttpMethods.Delete];

    /// <param name="pattern">As ASP.NET Core's routing has it, such as <c>/v1/{type}</c>.</param>
    /// <param name="access">Who may use it, or where: what guards the server looks for this among the endpoint's metadata.</param>
    /// <exception cref="RoutePatternException">The pattern is none.</exception>
    public static void AddRoute(
        this IEndpointRouteBuilder app, string pattern, IReadOnlyList<string> methods, object access, RequestDelegate handler)
    {
        ArgumentNullException.ThrowIfNull(app);
        var route = new RouteEndpointBuilder(handler, RoutePatternFactory.Parse(pattern), order: 0)
        {
            DisplayName = $"{string.Join(", ", methods)} {pattern}",
            Metadata = { new HttpMethodMetadata(methods), access },
        };
        app.DataSources.Add(new DefaultEndpointDataSource(route.Build()));
    }
}

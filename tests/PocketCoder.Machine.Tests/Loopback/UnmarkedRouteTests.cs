using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.Extensions.Logging.Abstractions;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.ControlPlane.Loopback;

namespace PocketCoder.Machine.Tests.Loopback;

/// <summary>A route that nobody marked as the port's is not on it: forgetting the mark closes a route, never opens it.</summary>
public sealed class UnmarkedRouteTests : IDisposable
{
    private readonly Home _home = Home.At(Directory.CreateTempSubdirectory("pc-").FullName);

    public static TheoryData<bool?, bool, bool> Marks
        => new() { { null, false, false }, { false, true, false }, { true, false, true }, { true, true, true } };

    public void Dispose() => Directory.Delete(_home.Root, recursive: true);

    [Theory]
    [MemberData(nameof(Marks))]
    public async Task Only_a_route_marked_as_the_ports_is_reached_there(bool? port, bool socket, bool reached)
    {
        var admission = new LoopbackGuard(_home, NullLogger.Instance);
        admission.WriteToken();
        var ran = false;
        var context = new DefaultHttpContext { Response = { Body = new MemoryStream() } };
        context.Request.Host = new HostString("127.0.0.1");
        context.Request.Method = HttpMethods.Get;
        context.Request.Path = "/new";
        context.Request.Headers.Authorization = $"Bearer {await File.ReadAllTextAsync(_home.ControlToken)}";
        var metadata = port is { } marked ? new EndpointMetadataCollection(new Listeners(socket, marked))
            : EndpointMetadataCollection.Empty;
        context.SetEndpoint(new RouteEndpoint(_ => Task.CompletedTask, RoutePatternFactory.Parse("/new"), 0, metadata, null));
        await admission.GuardAsync(context, _ =>
        {
            ran = true;
            return Task.CompletedTask;
        });
        Assert.Equal((reached, reached ? 200 : 404), (ran, context.Response.StatusCode));
    }
}

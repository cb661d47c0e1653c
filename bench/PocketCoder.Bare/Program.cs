// Kestrel and nothing else: what a .NET program that listens costs at least, for comparison with ours in the same run (bench/README.md).
// The builder, the protocol and the answer are those of the gateway. Usage: bare ADDRESS:PORT

using System.Net;
using System.Runtime.InteropServices;

var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "bare" });
builder.Services.AddRoutingCore();
builder.WebHost.UseKestrelCore().ConfigureKestrel(server => server.Listen(IPEndPoint.Parse(args[0])));
await using var app = builder.Build();
app.UseRouting();
app.MapMethods("/healthz", [HttpMethods.Get], static context =>
{
    context.Response.ContentLength = 0;
    return Task.CompletedTask;
});
await app.StartAsync();
var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
{
    context.Cancel = true;
    stop.TrySetResult();
});
await stop.Task;

using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;

namespace PocketCoder.Bench.Agents;

/// <summary>
/// Answers just enough of <c>opencode serve</c> for the real driver, and writes the clock into the events it sends (see
/// <see cref="FakeClaude"/>). Its one prompt: <c>tokens N</c>.
/// </summary>
internal static class FakeOpenCode
{
    public const string Kind = "fake-opencode";
    public const string Version = "1.18.33";

    private const string Session = "ses_bench00000001";

    private static readonly Channel<string> s_events = Channel.CreateUnbounded<string>();
    private static int s_turn;

    public static async Task<int> RunAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        await using var app = builder.Build();
        app.Run(context => AnswerAsync(context.Request.Path.Value ?? "", context));
        await app.StartAsync();
        Console.WriteLine($"opencode server listening on http://127.0.0.1:{new Uri(app.Urls.First()).Port}");
        await app.WaitForShutdownAsync();
        return 0;
    }

    private static Task AnswerAsync(string path, HttpContext context) => path switch
    {
        "/event" => StreamAsync(context),
        "/session" => OpenAsync(context),
        "/experimental/tool/ids" => JsonAsync(context, """["bash","read"]"""),
        "/mcp" => ToolsAsync(context),
        "/global/health" => JsonAsync(context, $$"""{"version":"{{Version}}"}"""),
        "/config" => JsonAsync(context, """{"model":"bench/one"}"""),
        "/config/providers" => JsonAsync(context, """{"providers":[]}"""),
        _ when path.EndsWith("/prompt_async", StringComparison.Ordinal) => PromptAsync(context),
        _ => JsonAsync(context, "true"),
    };

    private static async Task StreamAsync(HttpContext context)
    {
        context.Response.ContentType = "text/event-stream";
        await SendAsync("""{"type":"server.connected","properties":{}}""");
        await foreach (var item in s_events.Reader.ReadAllAsync(context.RequestAborted))
        {
            await SendAsync(item);
        }

        async Task SendAsync(string data)
        {
            await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes($"data: {data}\n\n"), context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
        }
    }

    /// <summary>The rules that come with the session are its rules.</summary>
    private static async Task OpenAsync(HttpContext context)
    {
        using var asked = await JsonDocument.ParseAsync(context.Request.Body);
        await JsonAsync(context, $$"""{"id":"{{Session}}","permission":{{asked.RootElement.GetProperty("permission").GetRawText()}}}""");
    }

    /// <summary>Looks at the tool server of its settings, as the real one does when it is asked about them.</summary>
    private static async Task ToolsAsync(HttpContext context)
    {
        using var settings = JsonDocument.Parse(Environment.GetEnvironmentVariable("OPENCODE_CONFIG_CONTENT")!);
        var server = settings.RootElement.GetProperty("mcp").EnumerateObject().First();
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var request = new HttpRequestMessage(HttpMethod.Post, server.Value.GetProperty("url").GetString());
        request.Headers.TryAddWithoutValidation(
            "Authorization", server.Value.GetProperty("headers").GetProperty("Authorization").GetString());
        request.Content = new StringContent(
            """{"jsonrpc":"2.0","id":1,"method":"tools/list"}""", Encoding.UTF8, new MediaTypeHeaderValue("application/json"));
        using var answer = await http.SendAsync(request);
        answer.EnsureSuccessStatusCode();
        await JsonAsync(context, $$$"""{"{{{server.Name}}}":{"status":"connected"}}""");
    }

    private static async Task PromptAsync(HttpContext context)
    {
        using var prompt = await JsonDocument.ParseAsync(context.Request.Body);
        var message = prompt.RootElement.GetProperty("messageID").GetString()!;
        var words = prompt.RootElement.GetProperty("parts").EnumerateArray().Last().GetProperty("text").GetString()!.Split(' ');
        _ = TurnAsync(message, $"msg_answer{++s_turn}", int.Parse(words[^1], CultureInfo.InvariantCulture));
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private static async Task TurnAsync(string prompt, string answer, int tokens)
    {
        Tell("message.updated", $$$""","info":{"id":"{{{prompt}}}","role":"user"}""");
        Tell("message.updated", $$$""","info":{"id":"{{{answer}}}","parentID":"{{{prompt}}}","role":"assistant","time":{"created":1}}""");
        Tell("message.part.updated",
            $$$""","part":{"id":"prt_{{{answer}}}","messageID":"{{{answer}}}","type":"text","text":"","time":{"start":1}}""");
        using (var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(1)))
        {
            for (var i = 0; i < tokens && await pace.WaitForNextTickAsync(); i++)
            {
                Tell("message.part.delta",
                    $$$""","messageID":"{{{answer}}}","partID":"prt_{{{answer}}}","field":"text","delta":"{{{Stopwatch.GetTimestamp()}}};" """);
            }
        }

        Tell("message.part.updated",
            $$$""","part":{"id":"prt_{{{answer}}}","messageID":"{{{answer}}}","type":"text","text":"done","time":{"start":1,"end":2}}""");
        Tell("message.updated",
            $$$""","info":{"id":"{{{answer}}}","parentID":"{{{prompt}}}","role":"assistant","time":{"created":1,"completed":2}}""");
        Tell("session.status", ""","status":{"type":"idle"}""");
        Tell("session.idle", "");
    }

    private static void Tell(string type, string more)
        => s_events.Writer.TryWrite($$"""{"type":"{{type}}","properties":{"sessionID":"{{Session}}"{{more}}} }""");

    private static Task JsonAsync(HttpContext context, string json)
    {
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(json);
    }
}

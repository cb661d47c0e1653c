using System.IO.Compression;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace PocketCoder.Cli.Tests;

/// <summary>The program holds the app, most of it only compressed, and gives it as each client takes it.</summary>
[Trait("Category", "Slow")]
public sealed partial class AppInTheProgramTests
{
    [Fact]
    public async Task The_app_is_the_same_in_each_encoding()
    {
        await using var home = new CliHome();
        await home.StartDetachedAsync();
        using var http = new HttpClient(new SocketsHttpHandler { AutomaticDecompression = DecompressionMethods.None });
        var page = await GetAsync("/", "identity");
        Assert.Contains("<!doctype html>", page, StringComparison.OrdinalIgnoreCase);
        var files = Referred().Matches(page).Select(m => m.Groups["path"].Value).Distinct(StringComparer.Ordinal).ToList();
        Assert.Contains(files, f => f.EndsWith(".js", StringComparison.Ordinal));
        Assert.Contains(files, f => f.EndsWith(".css", StringComparison.Ordinal)); // both are large
        foreach (var file in files.Prepend("/"))
        {
            var plain = await GetAsync(file, "identity");
            Assert.NotEmpty(plain);
            foreach (var encoding in (string[])["gzip", "br"])
            {
                var isLarge = plain.Length > 4_096 && Path.GetExtension(file) is ".js" or ".css";
                Assert.Equal((file, plain), (file, await GetAsync(file, encoding, isLarge ? encoding : null)));
            }
        }

        async Task<string> GetAsync(string path, string encoding, string? expected = null)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, home.Url + path);
            request.Headers.TryAddWithoutValidation("Accept-Encoding", encoding);
            using var response = await http.SendAsync(request);
            Assert.Equal((path, HttpStatusCode.OK), (path, response.StatusCode));
            await using var body = await response.Content.ReadAsStreamAsync();
            var given = string.Join(',', response.Content.Headers.ContentEncoding);
            Assert.Equal((path, expected ?? given), (path, given));
            await using Stream unpacked = given switch
            {
                "" => body,
                "gzip" => new GZipStream(body, CompressionMode.Decompress),
                "br" => new BrotliStream(body, CompressionMode.Decompress),
                var other => throw new InvalidOperationException($"{path}: {other}"),
            };
            using var reader = new StreamReader(unpacked, Encoding.UTF8);
            return await reader.ReadToEndAsync();
        }
    }

    [Fact]
    public async Task What_is_there_compressed_is_not_taken_into_the_program_plain_as_well()
    {
        await using var checkout = Checkout.Here();
        var app = Directory.CreateDirectory(Path.Combine(checkout.UserHome, "dist"));
        foreach (var name in (string[])["index.html", "first.js", "first.js.gz", "first.js.br", "icon.png"])
        {
            await File.WriteAllTextAsync(Path.Combine(app.FullName, name), name);
        }

        var said = (await checkout.RunAsync(
            "dotnet", "msbuild", "src/PocketCoder.Gateway", $"-p:AppDist={app.FullName}/", "-getItem:EmbeddedResource")).Succeeded();
        using var json = JsonDocument.Parse(said.Out);
        Assert.Equal(
            ["app/first.js.br", "app/first.js.gz", "app/icon.png", "app/index.html"],
            json.RootElement.GetProperty("Items").GetProperty("EmbeddedResource").EnumerateArray()
                .Select(i => i.GetProperty("LogicalName").GetString()).Order(StringComparer.Ordinal));
    }

    [GeneratedRegex("(?:src|href)=\"(?<path>/[^\":?#]+)\"", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Referred();
}

using System.IO.Compression;
using System.Net;
using System.Text;
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
        Assert.Contains(files, f => f.EndsWith(".css", StringComparison.Ordinal));
        foreach (var file in files.Prepend("/"))
        {
            var plain = await GetAsync(file, "identity");
            Assert.NotEmpty(plain);
            Assert.Equal((file, plain), (file, await GetAsync(file, "gzip")));
            Assert.Equal((file, plain), (file, await GetAsync(file, "br")));
        }

        async Task<string> GetAsync(string path, string encoding)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, home.Url + path);
            request.Headers.TryAddWithoutValidation("Accept-Encoding", encoding);
            using var response = await http.SendAsync(request);
            Assert.Equal((path, HttpStatusCode.OK), (path, response.StatusCode));
            await using var body = await response.Content.ReadAsStreamAsync();
            await using Stream unpacked = string.Join(',', response.Content.Headers.ContentEncoding) switch
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

    [GeneratedRegex("(?:src|href)=\"(?<path>/[^\":?#]+)\"", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Referred();
}

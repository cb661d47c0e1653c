using System.IO.Compression;
using System.Net;
using System.Text;
using PocketCoder.Gateway.App;

namespace PocketCoder.Gateway.Tests.App;

/// <summary>The app's files in each encoding: the program holds most of them only compressed.</summary>
public sealed class AppFilesTests : IDisposable
{
    private static readonly string s_script = string.Concat(Enumerable.Range(0, 500).Select(i => $"const a{i} = {i};\n"));

    private readonly string _folder = Directory.CreateTempSubdirectory("pcapp-").FullName;

    public AppFilesTests()
    {
        var script = Encoding.UTF8.GetBytes(s_script);
        File.WriteAllText(Path.Combine(_folder, "index.html"), "<!doctype html>");
        File.WriteAllBytes(Path.Combine(_folder, "app.js.gz"), Packed(script, s => new GZipStream(s, CompressionLevel.SmallestSize)));
        File.WriteAllBytes(Path.Combine(_folder, "app.js.br"), Packed(script, s => new BrotliStream(s, CompressionLevel.SmallestSize)));
    }

    [Theory]
    [InlineData(null, "")]
    [InlineData("identity", "")]
    [InlineData("br;q=0, gzip;q=0", "")]
    [InlineData("gzip, deflate", "gzip")]
    [InlineData("gzip, deflate, br", "br")]
    public async Task What_is_held_only_compressed_is_given_as_the_client_takes_it(string? accepts, string encoding)
    {
        await using var gateway = await GatewayUnderTest.StartAsync(options: GatewayOptions.Default with { AppDirectory = _folder });
        using var client = gateway.Client();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/app.js");
        request.Headers.TryAddWithoutValidation("Accept-Encoding", accepts);

        using var response = await client.SendAsync(request);

        var body = await response.Content.ReadAsByteArrayAsync();
        Assert.Equal(encoding, string.Join(',', response.Content.Headers.ContentEncoding));
        Assert.Equal(body.Length, response.Content.Headers.ContentLength);
        Assert.Equal("text/javascript", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal(s_script, Encoding.UTF8.GetString(Unpacked(body, encoding)));

        using var again = new HttpRequestMessage(HttpMethod.Get, "/app.js");
        again.Headers.TryAddWithoutValidation("Accept-Encoding", accepts);
        again.Headers.IfNoneMatch.Add(response.Headers.ETag!);
        using var known = await client.SendAsync(again);
        Assert.Equal(HttpStatusCode.NotModified, known.StatusCode);

        using var head = new HttpRequestMessage(HttpMethod.Head, "/app.js");
        head.Headers.TryAddWithoutValidation("Accept-Encoding", accepts);
        using var length = await client.SendAsync(head);
        Assert.Equal(body.Length, length.Content.Headers.ContentLength);
        Assert.Empty(await length.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public void A_file_has_the_same_tag_whether_it_is_held_plain_or_not()
    {
        var compressed = AppFiles.From(_folder).Find("app.js")!.TagOf("br");
        File.WriteAllText(Path.Combine(_folder, "app.js"), s_script);

        Assert.Equal(compressed, AppFiles.From(_folder).Find("app.js")!.TagOf("br"));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static byte[] Packed(byte[] plain, Func<Stream, Stream> pack)
    {
        var packed = new MemoryStream();
        using (var stream = pack(packed))
        {
            stream.Write(plain);
        }

        return packed.ToArray();
    }

    private static byte[] Unpacked(byte[] body, string encoding)
    {
        using Stream stream = encoding switch
        {
            "br" => new BrotliStream(new MemoryStream(body), CompressionMode.Decompress),
            "gzip" => new GZipStream(new MemoryStream(body), CompressionMode.Decompress),
            _ => new MemoryStream(body),
        };
        using var plain = new MemoryStream();
        stream.CopyTo(plain);
        return plain.ToArray();
    }
}

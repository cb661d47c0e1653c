using System.IO.Compression;
using System.Security.Cryptography;

namespace PocketCoder.Gateway.App;

/// <summary>
/// One file of the app with its pre-compressed variants. Content is opened when asked for: the built-in ones are mapped by the system, not
/// held. The program holds no plain copy of what it has compressed; the few clients that take only that get it unpacked.
/// </summary>
internal sealed class AppFile
{
    public const string Gzip = "gzip";

    private readonly Dictionary<string, Func<Stream>> _variants = new(StringComparer.Ordinal);
    private string? _tag;

    public AppFile(string path) => Path = path;

    /// <summary>Relative, with forward slashes.</summary>
    public string Path { get; }

    public string ContentType => System.IO.Path.GetExtension(Path).ToLowerInvariant() switch
    {
        ".html" => "text/html; charset=utf-8",
        ".js" or ".mjs" => "text/javascript; charset=utf-8",
        ".css" => "text/css; charset=utf-8",
        ".json" or ".map" => "application/json",
        ".webmanifest" => "application/manifest+json",
        ".svg" => "image/svg+xml",
        ".png" => "image/png",
        ".jpg" or ".jpeg" => "image/jpeg",
        ".webp" => "image/webp",
        ".ico" => "image/x-icon",
        ".woff2" => "font/woff2",
        ".wasm" => "application/wasm",
        ".txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    };

    /// <summary>Vite writes what has its hash in the name into <c>assets/</c>; all else must be asked for again.</summary>
    public string CacheControl => Path.StartsWith("assets/", StringComparison.Ordinal) ? "public, max-age=31536000, immutable" : "no-cache";

    /// <summary>Content encodings that exist besides the plain file, best first.</summary>
    public IEnumerable<string> Encodings => _variants.Keys.Where(k => k.Length > 0).OrderByDescending(k => k == "br");

    /// <summary>A strong tag of the plain content; each variant adds its encoding, because it is other bytes.</summary>
    public string TagOf(string encoding)
    {
        if (_tag is null)
        {
            using var content = Open("");
            _tag = Convert.ToHexStringLower(SHA256.HashData(content).AsSpan(0, 12));
        }

        return encoding.Length == 0 ? $"\"{_tag}\"" : $"\"{_tag}-{encoding}\"";
    }

    /// <param name="encoding">Empty for the plain file.</param>
    /// <returns>A stream that knows its length.</returns>
    public Stream Open(string encoding)
    {
        if (_variants.TryGetValue(encoding, out var open))
        {
            return open();
        }

        var plain = new MemoryStream();
        using (var packed = new GZipStream(_variants[Gzip](), CompressionMode.Decompress))
        {
            packed.CopyTo(plain);
        }

        plain.Position = 0;
        return plain;
    }

    public bool HasPlain => _variants.ContainsKey("") || _variants.ContainsKey(Gzip);

    public void Add(string encoding, Func<Stream> open) => _variants.Add(encoding, open);
}

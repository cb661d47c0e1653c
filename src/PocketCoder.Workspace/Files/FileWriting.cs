using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using PocketCoder.Protocol;
using PocketCoder.Workspace.Beneath;

namespace PocketCoder.Workspace.Files;

/// <summary>Writes one small file. Stateless.</summary>
internal static class FileWriting
{
    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static async Task<FsWriteResponse> WriteAsync(
        ProjectRoot root, StateFolder state, FsWriteRequest request, Func<ProjectPath, bool> isSecret, Recorder record)
    {
        var content = Decode(request);
        var path = ProjectPath.Parse(request.Path);
        CheckEtag(request.ExpectedEtag, request.IfNoneMatch);
        if (request.Mkdirs)
        {
            Arranging.MakeParents(root, path);
        }

        using var place = root.PlaceOfTarget(path);
        var etag = Convert.ToHexStringLower(SHA256.HashData(content));
        var replacement = new Replacement(
            place, state, etag, content.Length, request.ExpectedEtag, request.IfNoneMatch, isSecret(path) || isSecret(place.Path));
        if (!replacement.Check())
        {
            return new FsWriteResponse(true, path.Wire, etag, content.Length, Created: false);
        }

        await replacement.WriteAsync(
            file =>
            {
                RandomAccess.Write(file, content, 0);
                return Task.CompletedTask;
            },
            record);
        return new FsWriteResponse(true, path.Wire, etag, content.Length, replacement.IsNew);
    }

    public static void CheckEtag(string? expected, bool onlyNew)
    {
        if (expected is not null && (onlyNew || !IsDigest(expected)))
        {
            throw new WorkspaceException(
                ErrorCode.InvalidRequest, "expectedEtag has 64 lower-case hex digits, and does not go with ifNoneMatch.");
        }
    }

    public static bool IsDigest(string text) => text.Length == 64 && text.All(char.IsAsciiHexDigitLower);

    /// <exception cref="WorkspaceException">INVALID_REQUEST, FILE_TOO_LARGE</exception>
    public static byte[] Decode(FsWriteRequest request)
    {
        byte[] content;
        try
        {
            content = request.Encoding == FsEncoding.Base64 ? CanonicalBase64.FromPadded(request.Content)
                ?? throw new FormatException() : s_strict.GetBytes(request.Content);
        }
        catch (Exception e) when (e is FormatException or EncoderFallbackException)
        {
            throw new WorkspaceException(ErrorCode.InvalidRequest, "content is not what encoding says.");
        }

        return content.Length <= FileLimits.WriteBytes
            ? content
            : throw new WorkspaceException(
                ErrorCode.FileTooLarge,
                $"At most {FileLimits.WriteBytes} bytes are written at once. Upload it.",
                ("limit", FileLimits.WriteBytes.ToString(CultureInfo.InvariantCulture)),
                ("bytes", content.Length.ToString(CultureInfo.InvariantCulture)));
    }
}

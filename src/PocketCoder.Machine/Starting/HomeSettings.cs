using System.Text;
using PocketCoder.Agents.Acp;
using PocketCoder.Machine.Settings;

namespace PocketCoder.Machine.Starting;

/// <summary>
/// The files of the home that only their owner changes, with an editor, as a start finds them. Their words name what is in them, never
/// what may be a secret.
/// </summary>
internal static class HomeSettings
{
    private const int MostBytes = 1024 * 1024;

    /// <summary>Agents of the owner's own: what the file names is run.</summary>
    public static FileSetting Agents(Home home)
    {
        var content = Read(Path.Combine(home.Root, AcpConfiguration.FileName));
        return FileSetting.Of(
            FileSettings.Agents, content is null ? "none" : string.Join(' ', AcpConfiguration.Read(home.Root, []).Agents.Select(a => a.Id)),
            content ?? []);
    }

    /// <summary>Prices: budgets in money go by them.</summary>
    public static FileSetting Prices(Home home)
    {
        var content = Read(home.Prices);
        return FileSetting.Of(FileSettings.Prices, content is null ? "the built-in ones" : "your own", content ?? []);
    }

    /// <summary>Push services that may be at a private address.</summary>
    public static FileSetting PushServices(Home home)
    {
        var content = Read(home.PushServices);
        var origins = content is null ? []
            : Encoding.UTF8.GetString(content)
                .Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                .Where(l => l[0] != '#')
                .Select(l => Uri.TryCreate(l, UriKind.Absolute, out var url)
                    ? url.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped) : "?");
        return FileSetting.Of(FileSettings.PushServices, content is null ? "none" : string.Join(' ', origins), content ?? []);
    }

    /// <returns>Null: there is none. What can't be read is refused or told elsewhere; here it is as one that is empty.</returns>
    private static byte[]? Read(string path)
    {
        try
        {
            return !File.Exists(path) ? null : new FileInfo(path).Length > MostBytes ? [] : File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}

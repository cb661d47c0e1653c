using System.Text;
using PocketCoder.Agents.Shared;
using PocketCoder.Agents.Shared.Mcp;

namespace PocketCoder.Agents.OpenCode;

/// <summary>The settings of one process, above those of the person.</summary>
internal static class OpenCodeSettings
{
    /// <summary>A call of one of our tools may take as long as a person takes; our endpoint says that it is alive meanwhile.</summary>
    private const int CallLimitMilliseconds = 24 * 60 * 60 * 1000;

    /// <param name="tools">Where our tools are.</param>
    /// <param name="token">What calls of them must carry.</param>
    /// <param name="sandbox">Null: it runs beside the daemon and finds its models itself.</param>
    public static string Json(bool gated, Uri tools, string token, OpenCodeSandbox? sandbox) => Encoding.UTF8.GetString(LineJson.Write(w =>
    {
        OpenCodeRules.WriteSettings(w, gated);
        w.WriteBoolean("autoupdate", false);
        w.WriteString("share", "disabled");
        w.WriteBoolean("formatter", false); // it would write what nobody was shown
        w.WriteBoolean("lsp", false);
        w.WriteBoolean("snapshot", false);
        w.WriteStartArray("plugin");
        w.WriteEndArray();
        sandbox?.WriteModels(w);
        w.WriteStartObject("mcp");
        w.WriteStartObject(McpToolEndpoint.ServerName);
        w.WriteString("type", "remote");
        w.WriteString("url", tools.ToString());
        w.WriteStartObject("headers");
        w.WriteString("Authorization", $"Bearer {token}");
        w.WriteEndObject();
        w.WriteBoolean("oauth", false);
        w.WriteBoolean("enabled", true);
        w.WriteNumber("timeout", CallLimitMilliseconds);
        w.WriteEndObject();
        w.WriteEndObject();
    }));
}

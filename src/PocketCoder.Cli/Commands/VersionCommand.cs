using System.CommandLine;
using PocketCoder.Cli.Output;
using PocketCoder.Gateway;
using PocketCoder.Machine;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder version</c>.</summary>
internal static class VersionCommand
{
    public static Command Create(Terminal terminal) => new Command("version", "Show this program's version").Does(terminal, (context, _, _) =>
    {
        if (context.Json)
        {
            CliJson.Write(context.Terminal, new VersionShown(DaemonOptions.ProductVersion, GatewayServer.HasApp), CliJson.Default.VersionShown);
        }
        else
        {
            context.Say($"pocketcoder {DaemonOptions.ProductVersion}{(GatewayServer.HasApp ? "" : " (without the app)")}");
        }

        return Task.FromResult(ExitCode.Ok);
    });
}

using PocketCoder.Sandboxes.Tests;

/// <summary>What .NET calls before Main when it is told to (docs: host-startup-hook): the way to play a daemon with this program.</summary>
#pragma warning disable CA1050, MA0047 // the name is given, and it must be in no namespace
internal static class StartupHook
#pragma warning restore CA1050, MA0047
{
    public static void Initialize() => Scenario.PlayAsync().GetAwaiter().GetResult();
}

namespace PocketCoder.Ledger.Tests;

internal static class Program
{
    public static async Task<int> Main(string[] args)
    {
        if (args is [CrashWriter.Command, var path])
        {
            return await CrashWriter.RunAsync(path);
        }

        if (args is [CrashWriter.Command, var signed, var key])
        {
            return await CrashWriter.RunAsync(signed, key);
        }

        return await Xunit.MicrosoftTestingPlatform.TestPlatformTestFramework.RunAsync(
            args, SelfRegisteredExtensions.AddSelfRegisteredExtensions);
    }
}

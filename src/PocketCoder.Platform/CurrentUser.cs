using PocketCoder.Platform.Calls;

namespace PocketCoder.Platform;

/// <summary>The user and group that this process acts as. Not on Windows.</summary>
public static class CurrentUser
{
    public static uint Id => ProcessCalls.EffectiveUser();

    public static uint Group => ProcessCalls.EffectiveGroup();
}

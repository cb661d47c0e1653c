namespace PocketCoder.Ledger.Tests;

internal static class Failing
{
    /// <summary>Runs something that must fail in exactly this typed way; returns the exception for its message.</summary>
    public static async Task<LedgerException> WithAsync(LedgerError error, Func<Task> action)
    {
        var exception = await Assert.ThrowsAsync<LedgerException>(action);
        Assert.True(exception.Error == error, $"expected {error}, got {exception.Error}: {exception.Message}");
        return exception;
    }
}

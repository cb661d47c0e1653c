using PocketCoder.Machine.Routing;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>What a person's device would be told of a failure, the owner at the command line is told too.</summary>
internal static class ControlFailures
{
    /// <summary>Does the work; expected failures get the control plane's own name, anything else goes through as it is.</summary>
    /// <exception cref="ControlException">With the code and the words that a device would get.</exception>
    public static async Task<T> NamedAsync<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (RequestFailure failure)
        {
            throw new ControlException(failure.Error.Code, failure.Error.Message, failure);
        }
        catch (Exception e) when (Failures.IsExpected(e))
        {
            var error = Failures.ToWire(e);
            throw new ControlException(error.Code, error.Message, e);
        }
    }
}

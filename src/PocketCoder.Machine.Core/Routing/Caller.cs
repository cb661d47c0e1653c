namespace PocketCoder.Machine.Routing;

/// <summary>Who asks: a paired device, or the owner at the machine. There is no third.</summary>
public abstract class Caller
{
    private protected Caller()
    {
    }

    /// <summary>
    /// The device that asks; null: the owner. What it may do was checked before a handler sees it (<see cref="Route.Refusal"/>).
    /// </summary>
    public abstract Device? Device { get; }
}

/// <summary>A paired device that is connected and proved.</summary>
/// <param name="device">As it stands when the request comes: a revoked one has no caller.</param>
public sealed class DeviceCaller(Device device, IDeviceConnection connection) : Caller
{
    public override Device Device { get; } = device;

    public IDeviceConnection Connection { get; } = connection;
}

/// <summary>
/// The owner: whoever reaches the control socket, which only this user can open, or has the token of the control port. One request.
/// </summary>
public sealed class OwnerCaller : Caller
{
    public override Device? Device => null;

    /// <summary>To be run when the answer is out; null: nothing.</summary>
    public Action? Afterwards { get; private set; }

    /// <summary>Puts work off until the answer is out: a stop would close the connection that the answer goes over.</summary>
    public void AfterAnswer(Action work) => Afterwards = work;
}

namespace PocketCoder.Machine.Tests.Approvals.Faults;

/// <summary>Counts the steps of one decision and lets one of them fail. Thread-safe.</summary>
internal sealed class FaultSeam
{
    private readonly Lock _gate = new(); // guards what follows
    private bool _armed;
    private bool _aimed;
    private int _passed;
    private int _fails;

    /// <summary>What the exception says.</summary>
    public const string Words = "injected failure";

    /// <summary>The step that failed, by its number and name; null: none did.</summary>
    public string? Failed { get; private set; }

    /// <summary>Called by the daemon.</summary>
    public void Pass(string step)
    {
        lock (_gate)
        {
            _armed |= _aimed && step is "ask" or "ask host"; // also what the machine itself and people ask for
            if (!_armed || ++_passed != _fails)
            {
                return;
            }

            Failed = $"{_passed} ({step})";
        }

        throw new InvalidOperationException(Words);
    }

    /// <summary>The next walk: its step <paramref name="number"/> will fail.</summary>
    public void Aim(int number)
    {
        lock (_gate)
        {
            (_armed, _aimed, _passed, _fails, Failed) = (false, true, 0, number, null);
        }
    }

    /// <summary>From the agent's request on.</summary>
    public void Arm() => Set(true);

    public void Disarm() => Set(false);

    private void Set(bool armed)
    {
        lock (_gate)
        {
            (_armed, _aimed) = (armed, armed);
        }
    }
}

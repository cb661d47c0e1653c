namespace PocketCoder.Gateway.Relay.Machines;

/// <summary>What a machine says that it is called is shown on terminals and pages: short, on one line, nothing that controls.</summary>
internal static class MachineLabels
{
    private const int Longest = 64;

    public static string Shown(string? label, string machineId)
    {
        var plain = new string([.. (label ?? "").Where(c => !char.IsControl(c) && !char.IsSurrogate(c)
            && char.GetUnicodeCategory(c) is not System.Globalization.UnicodeCategory.Format)]).Trim();
        return plain.Length == 0 ? machineId[..Math.Min(8, machineId.Length)] : plain[..Math.Min(Longest, plain.Length)];
    }
}

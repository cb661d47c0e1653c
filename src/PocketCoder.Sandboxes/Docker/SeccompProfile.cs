using System.Text.Json.Nodes;
using PocketCoder.Sandboxes.Seccomp;

namespace PocketCoder.Sandboxes.Docker;

/// <summary>
/// The same rules as <see cref="SeccompFilter"/>, as the engine takes them (its seccomp profile in JSON). It makes the program of it
/// itself, so a bound on new calls can't be said.
/// </summary>
internal static class SeccompProfile
{
    public static string Build(bool allowTracing)
    {
        var rules = new JsonArray();
        Deny(SystemCalls.Denied.Select(c => c.Name), SeccompFilter.NotPermitted);
        if (!allowTracing)
        {
            Deny(SystemCalls.Tracing.Select(c => c.Name), SeccompFilter.NotPermitted);
        }

        Deny([SystemCalls.Clone3.Name, SystemCalls.OpenAt2.Name], SeccompFilter.NoSuchCall);
        foreach (var flag in (uint[])[0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000])
        {
            Deny(["clone"], SeccompFilter.NotPermitted, Bits(0, flag));
        }

        foreach (var request in (uint[])[0x5412, 0x541C])
        {
            Deny(["ioctl"], SeccompFilter.NotPermitted, Argument(1, uint.MaxValue, request));
        }

        for (uint family = 0; family < 64; family++)
        {
            if (family is not (1 or 2 or 10 or 16))
            {
                Deny(["socket"], SeccompFilter.NoSuchFamily, Argument(0, uint.MaxValue, family));
            }
        }

        for (uint protocol = 1; protocol < 32; protocol++)
        {
            Deny(["socket"], SeccompFilter.NoSuchProtocol, Argument(0, uint.MaxValue, 16), Argument(2, uint.MaxValue, protocol));
        }

        foreach (uint family in (uint[])[2, 10])
        {
            foreach (var bit in (uint[])[0x4, 0x8])
            {
                Deny(["socket"], SeccompFilter.NoSuchType, Argument(0, uint.MaxValue, family), Bits(1, bit));
            }

            var last = SeccompFilter.InternetProtocols.Max();
            for (uint protocol = 0; protocol < last; protocol++)
            {
                if (!SeccompFilter.InternetProtocols.Contains(protocol))
                {
                    Deny(["socket"], SeccompFilter.NoSuchProtocol, Argument(0, uint.MaxValue, family),
                        Argument(2, uint.MaxValue, protocol));
                }
            }

            Deny(["socket"], SeccompFilter.NoSuchProtocol, Argument(0, uint.MaxValue, family), Above(2, last));
        }

        foreach (var bit in (uint[])[0x800, 0x400])
        {
            foreach (var (call, mode) in SystemCalls.WithMode)
            {
                Deny([call.Name], SeccompFilter.NotPermitted, Bits(mode, bit));
            }

            foreach (var creates in (uint[])[0x40, 0x400000])
            {
                Deny(["open"], SeccompFilter.NotPermitted, Bits(1, creates), Bits(2, bit));
                Deny(["openat"], SeccompFilter.NotPermitted, Bits(2, creates), Bits(3, bit));
            }
        }

        return new JsonObject { ["defaultAction"] = "SCMP_ACT_ALLOW", ["syscalls"] = rules }.ToJsonString();

        void Deny(IEnumerable<string> names, int error, params JsonObject[] arguments) => rules.Add((JsonNode)new JsonObject
        {
            ["names"] = new JsonArray([.. names.Select(n => JsonValue.Create(n))]),
            ["action"] = "SCMP_ACT_ERRNO",
            ["errnoRet"] = error,
            ["args"] = new JsonArray([.. arguments]),
        });
    }

    private static JsonObject Above(int index, uint value) => new() { ["index"] = index, ["value"] = value, ["op"] = "SCMP_CMP_GT" };

    private static JsonObject Bits(int index, uint bits) => Argument(index, bits, bits);

    private static JsonObject Argument(int index, uint mask, uint value)
        => new() { ["index"] = index, ["value"] = mask, ["valueTwo"] = value, ["op"] = "SCMP_CMP_MASKED_EQ" };
}

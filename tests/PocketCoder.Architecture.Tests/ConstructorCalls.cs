using System.Reflection;
using System.Reflection.Emit;

namespace PocketCoder.Architecture.Tests;

/// <summary>
/// Whether a method reaches the disk, another process or another thread, read from the compiled code: direct calls, through our own
/// methods.
/// </summary>
internal static class ConstructorCalls
{
    private const int MostSteps = 12;

    private static readonly Dictionary<int, OpCode> s_codes = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(f => (OpCode)f.GetValue(null)!).ToDictionary(c => (int)(ushort)c.Value);

    private static readonly HashSet<Type> s_outside =
    [
        typeof(File), typeof(Directory), typeof(FileStream), typeof(FileInfo), typeof(DirectoryInfo), typeof(FileSystemInfo),
        typeof(DriveInfo), typeof(FileSystemWatcher),
        typeof(System.Diagnostics.Process), typeof(System.Net.Sockets.Socket), typeof(PeriodicTimer), typeof(System.Threading.Timer),
        typeof(Thread),
    ];

    /// <summary>The calls from the method to the outside; null: there are none.</summary>
    public static string? ToOutside(MethodBase method) => Walk(method, [], MostSteps);

    private static string? Walk(MethodBase method, HashSet<MethodBase> seen, int steps)
    {
        if (steps == 0 || !seen.Add(method))
        {
            return null;
        }

        foreach (var called in Calls(method))
        {
            var name = $"{called.DeclaringType?.Name}.{called.Name}";
            if (called.DeclaringType is { } type && s_outside.Contains(type) || called is MethodInfo
                {
                    Name: nameof(Task.Run),
                    DeclaringType.Name: nameof(Task)
                } || called.Attributes.HasFlag(MethodAttributes.PinvokeImpl))
            {
                return name;
            }

            if (IsOurs(called) && Walk(called, seen, steps - 1) is { } way)
            {
                return $"{name} → {way}";
            }
        }

        return null;
    }

    /// <summary>A method whose code is the one that runs.</summary>
    private static bool IsOurs(MethodBase called)
        => called.DeclaringType?.Assembly.GetName().Name is { } assembly
            && (assembly.StartsWith("PocketCoder.", StringComparison.Ordinal) || assembly == "pocketcoder")
            && (!called.IsVirtual || called.IsFinal || called.DeclaringType.IsSealed);

    private static List<MethodBase> Calls(MethodBase method)
    {
        var calls = new List<MethodBase>();
        if (method.GetMethodBody()?.GetILAsByteArray() is not { } code)
        {
            return calls;
        }

        var typeArguments = method.DeclaringType is { IsGenericType: true } generic ? generic.GetGenericArguments() : null;
        var methodArguments = method.IsGenericMethod ? method.GetGenericArguments() : null;
        for (var at = 0; at < code.Length;)
        {
            var value = code[at] == 0xFE ? 0xFE00 | code[at + 1] : code[at];
            at += value > 0xFF ? 2 : 1;
            var operation = s_codes[value];
            if (operation == OpCodes.Call || operation == OpCodes.Callvirt || operation == OpCodes.Newobj)
            {
                calls.Add(method.Module.ResolveMethod(BitConverter.ToInt32(code, at), typeArguments, methodArguments)!);
            }

            at += operation.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + 4 * BitConverter.ToInt32(code, at),
                _ => 4,
            };
        }

        return calls;
    }
}

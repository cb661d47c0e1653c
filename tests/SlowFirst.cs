using System.Reflection;
using Xunit.Sdk;
using Xunit.v3;

[assembly: TestCollectionOrderer(typeof(PocketCoder.Testing.SlowFirst))]

namespace PocketCoder.Testing;

/// <summary>
/// Starts the classes that take longest first, so that none of them runs alone at the end. Compiled into each test project
/// (eng/Test.props). Order: <c>[Trait("Takes", "minutes")]</c>, then <c>[Trait("Category", "Slow")]</c> on the class, then on one of its
/// methods, then the rest.
/// </summary>
public sealed class SlowFirst : ITestCollectionOrderer
{
    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection
    {
        var weights = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var type in typeof(SlowFirst).Assembly.GetTypes().Where(t => t.FullName is not null))
        {
            weights[type.FullName!] = Weight(type);
        }

        return [.. testCollections.OrderByDescending(c => weights.GetValueOrDefault(ClassOf(c.TestCollectionDisplayName)))
            .ThenBy(c => c.TestCollectionDisplayName, StringComparer.Ordinal)];
    }

    private static int Weight(Type type)
        => Has(type, "Takes", "minutes") ? 3 : Has(type, "Category", "Slow") ? 2
            : type.GetMethods(BindingFlags.Public | BindingFlags.Instance).Any(m => Has(m, "Category", "Slow")) ? 1 : 0;

    private static bool Has(MemberInfo member, string name, string value)
        => member.GetCustomAttributes<TraitAttribute>(inherit: true).Any(t => t.Name == name && t.Value == value);

    /// <summary>The class in "Test collection for NAME (id: …)": without a collection of its own a class is one.</summary>
    private static string ClassOf(string collection) => collection.Split(" for ", 2)[^1].Split(" (id:", 2)[0];
}

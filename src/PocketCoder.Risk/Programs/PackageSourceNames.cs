namespace PocketCoder.Risks.Programs;

/// <summary>What each ecosystem calls the servers that its packages come from.</summary>
internal static class PackageSourceNames
{
    private static readonly (string Programs, string Sources)[] s_rows =
    [
        ("npm pnpm yarn yarnpkg npx pnpx bun bunx", PackageFetch.Npm),
        ("pip pip3 uv uvx pipx poetry pdm hatch rye", PackageFetch.Python),
        ("dotnet nuget", PackageFetch.NuGet),
        ("cargo", PackageFetch.Cargo),
        ("go", PackageFetch.Go),
        ("rustup", "Rust toolchain servers"),
        ("conda mamba", "conda channels"),
        ("gem bundle bundler", "RubyGems sources"),
        ("composer", "Composer repositories"),
        ("mvn mvnw gradle gradlew sbt", "Maven repositories"),
        ("mix rebar3", "Hex repositories"),
        ("cabal stack", "Haskell package repositories"),
        ("pod", "CocoaPods sources"),
        ("dart flutter", "pub servers"),
        ("apt apt-get aptitude", "APT sources"),
        ("brew", "Homebrew taps"),
    ];

    private static readonly Dictionary<string, string> s_sources =
        s_rows.SelectMany(r => r.Programs.Split(' '), (r, program) => (program, r.Sources))
            .ToDictionary(r => r.program, r => r.Sources, StringComparer.Ordinal);

    public static string Of(string program) => s_sources.GetValueOrDefault(program, "package sources");
}

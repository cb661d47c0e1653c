using System.Xml;
using System.Xml.Linq;
using PocketCoder.Risks;

namespace PocketCoder.Machine.Executions.Code;

/// <summary>A server that packages will come from.</summary>
/// <param name="Host">With its port, when that isn't the usual one. Untrusted.</param>
/// <param name="File">The configuration that names it, for people. Untrusted.</param>
internal readonly record struct PackageSource(string Sources, string Host, string File);

/// <summary>Configuration whose servers are not all listed.</summary>
/// <param name="File">For people. Untrusted.</param>
/// <param name="IsUnread">It could not be read here, so what it names is not known; else it names more than are listed.</param>
internal readonly record struct UnlistedSources(string Sources, string File, bool IsUnread);

/// <param name="Listed">At most <see cref="PackageSources.MaxSources"/>, each once.</param>
/// <param name="Unlisted">At most two of each ecosystem: the first file that names more servers, and the first that was not read.</param>
internal sealed record PackageServers(IReadOnlyList<PackageSource> Listed, IReadOnlyList<UnlistedSources> Unlisted)
{
    public static PackageServers None { get; } = new([], []);
}

/// <summary>
/// Finds the servers that package managers are configured to download from: in the project's files, and in the user's where the command can
/// read them. Reads only. At most <see cref="MaxSources"/> are listed; that there are more, and that a file could not be read, is told.
/// </summary>
/// <remarks>
/// Informs people. Sources: npm's, yarn's and bun's pages on their configuration files, NuGet's on nuget.config, pip's on pip.conf and
/// requirements files, uv's, Poetry's and PDM's on pyproject.toml, Cargo's on source replacement and registries, Go's on GOPROXY.
/// </remarks>
internal static class PackageSources
{
    /// <summary>Servers told for one command.</summary>
    public const int MaxSources = 16;

    private static readonly Ecosystem[] s_ecosystems =
    [
        new(
            PackageFetch.Npm,
            [".npmrc", ".yarnrc", ".yarnrc.yml", "bunfig.toml"],
            [".npmrc", ".yarnrc", ".yarnrc.yml", ".bunfig.toml"],
            static (section, key) => section.StartsWith("install.scopes", StringComparison.Ordinal)
                || key is "registry" or "npmRegistryServer" or "url" || key.EndsWith(":registry", StringComparison.Ordinal),
            static variable => variable.Equals("npm_config_registry", StringComparison.OrdinalIgnoreCase)),
        new(
            PackageFetch.Python,
            ["pip.conf", "requirements*.txt", "constraints*.txt", "pyproject.toml", "uv.toml", "Pipfile"],
            [".config/pip/pip.conf", ".pip/pip.conf", ".config/uv/uv.toml", ".config/pypoetry/config.toml"],
            static (section, key) => key is "index-url" or "extra-index-url" or "find-links" or "default-index" or "--index-url" or "-i"
                or "--extra-index-url" or "--find-links" or "-f"
                || (key is "url" && (section.Contains("source", StringComparison.Ordinal)
                    || section.Contains("index", StringComparison.Ordinal)))
                || (section.StartsWith("repositories", StringComparison.Ordinal) && key is "url"),
            static variable => variable is "PIP_INDEX_URL" or "PIP_EXTRA_INDEX_URL" or "PIP_FIND_LINKS" or "UV_INDEX" or "UV_DEFAULT_INDEX"
                or "UV_INDEX_URL" or "UV_EXTRA_INDEX_URL"),
        new(PackageFetch.NuGet, ["nuget.config", "NuGet.config", "NuGet.Config"],
            [".nuget/NuGet/NuGet.Config", ".config/NuGet/NuGet.Config"], null, static _ => false),
        new(
            PackageFetch.Cargo,
            [".cargo/config.toml", ".cargo/config"],
            [".cargo/config.toml", ".cargo/config"],
            static (section, key) => (section.StartsWith("registries", StringComparison.Ordinal) && key is "index")
                || (section.StartsWith("source", StringComparison.Ordinal) && key is "registry" or "git")
                || (section is "registry" && key is "index"),
            static variable => variable is "CARGO_REGISTRY_INDEX" || (variable.StartsWith("CARGO_REGISTRIES_", StringComparison.Ordinal)
                && variable.EndsWith("_INDEX", StringComparison.Ordinal))),
        new(PackageFetch.Go, [], [".config/go/env"], static (_, key) => key is "GOPROXY", static variable => variable is "GOPROXY"),
    ];

    /// <param name="text">The project's files.</param>
    /// <param name="environment">Of the command, beside the sandbox's own.</param>
    /// <param name="home">The home folder whose configuration the command reads; null when it runs in a sandbox with a home of its
    /// own.</param>
    public static PackageServers Find(ProjectText text, Risk risk, IReadOnlyDictionary<string, string> environment, string? home)
    {
        var search = new Search();
        var own = home is null ? null : new ProjectText(home);
        foreach (var fetch in risk.Fetches)
        {
            if (Array.Find(s_ecosystems, e => e.Sources == fetch.Sources) is not { } ecosystem)
            {
                continue;
            }

            foreach (var folder in fetch.Folders ?? [text.Project])
            {
                foreach (var path in text.Upward(folder).SelectMany(at => ecosystem.Files.SelectMany(name => text.Matching(at, name))))
                {
                    search.Look(ecosystem, text, path, path[(text.Project.Length + 1)..]);
                }
            }

            foreach (var (name, value) in environment.Where(v => ecosystem.Variable(v.Key)))
            {
                search.Add(ecosystem.Sources, SourceAddresses.Hosts(value), name);
            }

            foreach (var file in own is null ? [] : ecosystem.UserFiles)
            {
                search.Look(ecosystem, own!, Path.Combine(home!, file), "~/" + file);
            }
        }

        return search.Found;
    }

    /// <summary>One search: each file is looked into once, and the lists are bounded while they grow.</summary>
    private sealed class Search
    {
        private readonly List<PackageSource> _listed = [];
        private readonly List<UnlistedSources> _unlisted = [];
        private readonly HashSet<(string Sources, string Path)> _looked = [];

        public PackageServers Found => new(_listed, _unlisted);

        public void Look(Ecosystem ecosystem, ProjectText text, string path, string shown)
        {
            if (!_looked.Add((ecosystem.Sources, path)) || !text.Exists(path))
            {
                return;
            }

            if (text.Read(path) is not { } content)
            {
                NotListed(new UnlistedSources(ecosystem.Sources, shown, IsUnread: true));
                return;
            }

            Add(ecosystem.Sources, ecosystem.HostsIn(content), shown);
        }

        public void Add(string sources, IEnumerable<string> hosts, string file)
        {
            foreach (var host in hosts)
            {
                if (_listed.Exists(l => l.Host == host && l.Sources == sources))
                {
                    continue;
                }

                if (_listed.Count == MaxSources)
                {
                    NotListed(new UnlistedSources(sources, file, IsUnread: false));
                    return;
                }

                _listed.Add(new PackageSource(sources, host, file));
            }
        }

        private void NotListed(UnlistedSources unlisted)
        {
            if (!_unlisted.Exists(u => u.Sources == unlisted.Sources && u.IsUnread == unlisted.IsUnread))
            {
                _unlisted.Add(unlisted);
            }
        }
    }

    /// <param name="Files">Names or simple patterns in the folder and above it in the project.</param>
    /// <param name="UserFiles">Beneath the home folder.</param>
    /// <param name="Names">Whether a key of a section names a server; null: the files are NuGet's XML.</param>
    /// <param name="Variable">Whether an environment variable does.</param>
    private sealed record Ecosystem(
        string Sources, string[] Files, string[] UserFiles, Func<string, string, bool>? Names, Func<string, bool> Variable)
    {
        public IEnumerable<string> HostsIn(string text)
            => Names is null ? OfNuGet(text)
                : SettingLines.Read(text).Where(l => Names(l.Section, l.Key)).SelectMany(l => SourceAddresses.Hosts(l.Value));
    }

    private static IEnumerable<string> OfNuGet(string text)
    {
        try
        {
            using var reader = XmlReader.Create(
                new StringReader(text), new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null });
            return
            [
                .. XDocument.Load(reader).Descendants("packageSources").Elements("add").Select(e => (string?)e.Attribute("value"))
                    .OfType<string>().SelectMany(SourceAddresses.Hosts),
            ];
        }
        catch (XmlException)
        {
            return [];
        }
    }
}

using System.IO.Enumeration;

namespace PocketCoder.Risks.Paths;

/// <summary>Files that hold keys and passwords, by where they are kept by custom.</summary>
internal static class SecretPaths
{
    private static readonly string[] s_homeFolders =
    [
        ".ssh", ".gnupg", ".aws", ".azure", ".kube", ".password-store", ".config/gcloud", ".config/gh", ".config/op", ".docker",
        ".local/share/keyrings",
        ".mozilla", ".config/google-chrome", ".config/chromium", ".config/pocketcoder", ".local/share/pocketcoder", ".pocketcoder",
        ".terraform.d", ".oci", ".config/rclone", ".electrum", ".bitcoin",
    ];

    private static readonly string[] s_homeFiles =
    [
        ".netrc", ".npmrc", ".yarnrc", ".yarnrc.yml", ".pypirc", ".git-credentials", ".pgpass", ".my.cnf", ".vault-token", ".bash_history",
        ".zsh_history", ".claude/.credentials.json", ".claude.json", ".codex/auth.json",
        ".gemini/oauth_creds.json", ".cargo/credentials", ".cargo/credentials.toml", ".gem/credentials", ".nuget/NuGet/NuGet.Config",
        ".config/git/credentials", ".local/share/opencode/auth.json", ".cursor/auth.json", ".s3cfg", ".boto",
    ];

    private static readonly string[] s_systemFiles = ["/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/sudoers", "/etc/krb5.keytab",
        "/etc/ssh/ssh_host_rsa_key", "/etc/ssh/ssh_host_ed25519_key", "/etc/ssh/ssh_host_ecdsa_key"];

    private static readonly string[] s_systemFolders =
        ["/run/secrets", "/var/run/secrets", "/etc/ssl/private", "/etc/sudoers.d", "/etc/kubernetes"];

    private static readonly string[] s_names =
    [
        ".env", ".env~", "*.env", ".envrc", ".envrc.*", ".env-*", ".env_*", ".flaskenv", ".dev.vars", "*.env.local", "*.env.production",
        "*.env.development", "*.env.staging",
        "*.tfstate", "*.tfstate.*", "*.tfvars", "*.tfvars.json", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx",
        "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "id_rsa.*", "id_ed25519.*", "secrets.json", "secrets.y*ml", "credentials.json",
        ".git-credentials", ".netrc", ".pgpass", ".htpasswd", "service-account*.json", "*.ovpn", "auth.json", ".credentials.json",
    ];

    private static readonly string[] s_examples = ["example", "sample", "template", "dist"];

    // What a pattern is tried against: one real name for each custom.
    private static readonly string[] s_samples =
    [
        ".env", ".envrc", ".env.local", ".env.production", "id_rsa", "id_ed25519", ".netrc", ".npmrc", ".pypirc", ".git-credentials",
        "server.key", "server.pem", "secrets.json", "credentials.json", "shadow", "environ", ".ssh", ".aws", ".gnupg",
    ];

    /// <param name="path">Absolute; may be a pattern.</param>
    public static bool Matches(string path, string home, bool glob)
    {
        if (path.StartsWith("/proc/", StringComparison.Ordinal) && (path.EndsWith("/environ", StringComparison.Ordinal)
            || path.EndsWith("/mem", StringComparison.Ordinal) || path.Contains("/fd/", StringComparison.Ordinal)
            || path.Contains("/root", StringComparison.Ordinal) || path.Contains("/cwd", StringComparison.Ordinal)))
        {
            return true;
        }

        // Raw disks and memory hold everything; the harmless devices never come here.
        if (path.StartsWith("/dev/", StringComparison.Ordinal) && !path.StartsWith("/dev/shm/", StringComparison.Ordinal))
        {
            return true;
        }

        if (IsKnown(path, home))
        {
            return true;
        }

        if (!glob)
        {
            return false;
        }

        // A pattern: does it match a secret's name, or climb into a folder of secrets?
        var name = path[(path.LastIndexOf('/') + 1)..];
        var dotted = name.StartsWith('.');
        if (s_samples.Any(s => s.StartsWith('.') == dotted && s != "shadow" && s != "environ" && Fits(name, s)))
        {
            return !IsPlainExtension(name);
        }

        if (PlaceFinder.Within(path, "/etc") && Fits(name, "shadow"))
        {
            return true;
        }

        return s_homeFolders.Any(f => CouldBeBelow(path, $"{home}/{f}")) || s_systemFolders.Any(f => CouldBeBelow(path, f))
            || s_systemFiles.Any(f => CouldBeBelow(path, f));
    }

    private static bool IsKnown(string path, string home)
    {
        // Names are compared without case: some file systems don't know it, and no other file is called so.
        var name = path[(path.LastIndexOf('/') + 1)..].ToLowerInvariant();
        if (IsExample(name))
        {
            return false;
        }

        if (name.StartsWith(".env.", StringComparison.Ordinal) && name != ".env.test")
        {
            return true;
        }

        if (name.EndsWith(".pub", StringComparison.Ordinal) || name is "known_hosts" or "ca.pem" or "cacert.pem")
        {
            return false;
        }

        return s_names.Any(n => FileSystemName.MatchesSimpleExpression(n, name, ignoreCase: true))
            || s_homeFolders.Any(f => IsWithin(path, $"{home}/{f}") || IsInAnyHome(path, f))
            || s_homeFiles.Any(f => path.Equals($"{home}/{f}", StringComparison.OrdinalIgnoreCase) || IsInAnyHome(path, f))
            || s_systemFolders.Any(f => PlaceFinder.Within(path, f))
            || s_systemFiles.Contains(path, StringComparer.Ordinal);
    }

    /// <summary>A template of such a file, which is made to be committed.</summary>
    private static bool IsExample(string name)
        => Array.Exists(s_examples, e => name.EndsWith(e, StringComparison.Ordinal)
            && name[..^e.Length] is ".env." or ".env-" or ".env_" or ".envrc.");

    private static bool IsInAnyHome(string path, string inside)
        => (path.StartsWith("/home/", StringComparison.Ordinal) || path.StartsWith("/root/", StringComparison.Ordinal)
            || path.StartsWith("/Users/", StringComparison.Ordinal))
            && (path.EndsWith($"/{inside}", StringComparison.OrdinalIgnoreCase)
                || path.Contains($"/{inside}/", StringComparison.OrdinalIgnoreCase));

    private static bool IsWithin(string path, string folder)
        => path.StartsWith(folder, StringComparison.OrdinalIgnoreCase) && (path.Length == folder.Length || path[folder.Length] == '/');

    /// <summary><c>*</c> and <c>*.cs</c> are how one names all files; a pattern with less than that is aimed.</summary>
    private static bool IsPlainExtension(string pattern) => pattern is "*" || (pattern.StartsWith("*.", StringComparison.Ordinal)
        && !pattern.AsSpan(2).ContainsAny("*?[") && pattern is not ("*.pem" or "*.key" or "*.p12" or "*.pfx"));

    private static bool CouldBeBelow(string pattern, string target)
    {
        var wanted = pattern.Split('/');
        var real = target.Split('/');
        if (!pattern.AsSpan().ContainsAny("*?["))
        {
            return false;
        }

        for (var i = 0; i < Math.Min(wanted.Length, real.Length); i++)
        {
            // A star does not match a leading dot.
            if (wanted[i] != real[i] && !(wanted[i].AsSpan().ContainsAny("*?[") && real[i].StartsWith('.') == wanted[i].StartsWith('.')
                && Fits(wanted[i], real[i])))
            {
                return false;
            }
        }

        return wanted.Length >= real.Length;
    }

    /// <summary>Shell patterns with brackets taken as "any character": errs to the side of matching.</summary>
    private static bool Fits(string pattern, string name)
    {
        var simple = new System.Text.StringBuilder();
        for (var i = 0; i < pattern.Length; i++)
        {
            var close = pattern[i] == '[' ? pattern.IndexOf(']', i) : -1;
            simple.Append(close > 0 ? '?' : pattern[i]);
            i = close > 0 ? close : i;
        }

        return FileSystemName.MatchesSimpleExpression(simple.ToString(), name, ignoreCase: false);
    }
}

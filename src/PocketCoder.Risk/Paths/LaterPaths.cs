namespace PocketCoder.Risks.Paths;

/// <summary>Files that another program runs or obeys later, outside of the decision that wrote them.</summary>
internal static class LaterPaths
{
    /// <summary>Who obeys the file and how far that goes, or null.</summary>
    /// <param name="path">Absolute or relative to the workspace.</param>
    public static (string Who, RiskTier Tier)? Find(string path, string home)
    {
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        var name = parts.Length == 0 ? "" : parts[^1];
        for (var i = 0; i < parts.Length; i++)
        {
            // Names are compared without case: some file systems don't know it.
#pragma warning disable CA1308 // lower case is what the names are
            switch (parts[i].ToLowerInvariant())
#pragma warning restore CA1308
            {
                case ".git" when i == parts.Length - 1:
                case ".git" when parts[i + 1].StartsWith("config", StringComparison.OrdinalIgnoreCase)
                    || parts[i + 1].ToUpperInvariant() is "HOOKS" or "INFO" or "MODULES" or "WORKTREES":
                    return ("git, by itself, at its next command", RiskTier.Destructive);
                case ".git":
                    return ("git, at its next command", RiskTier.Destructive);
                case ".gitmodules" or ".gitattributes" or ".gitconfig" or ".husky":
                    return ("git, at its next command", RiskTier.Destructive);
                case ".claude" or ".claude.json" or ".codex" or ".mcp.json" or ".cursor" or ".cursorrules" or ".gemini" or ".opencode"
                    or "opencode.json" or "opencode.jsonc" or ".aider.conf.yml" or ".continue" or ".windsurf" or ".roo" or ".clinerules":
                    return ("a coding agent, which could extend its own permissions with it", RiskTier.Destructive);
                case "claude.md" or "agents.md" or "gemini.md" when i == parts.Length - 1:
                    return ("a coding agent, as instructions", RiskTier.WorkspaceWrite);
                case ".envrc" or ".direnv" or ".tool-versions" or ".mise.toml" or ".autoenv":
                    return ("the shell, when somebody enters the folder", RiskTier.Destructive);
                case ".vscode" or ".idea" or ".zed" or ".devcontainer" or ".devcontainer.json" or ".vimrc" or ".exrc" or ".nvimrc"
                    or ".nvim.lua":
                    return ("an editor, when somebody opens the folder", RiskTier.Destructive);
                case ".github" when i + 1 < parts.Length && parts[i + 1].ToUpperInvariant() is "WORKFLOWS" or "ACTIONS":
                case ".gitlab-ci.yml" or ".circleci" or "jenkinsfile" or "azure-pipelines.yml" or ".travis.yml" or ".drone.yml"
                    or ".buildkite" or "bitbucket-pipelines.yml" or ".woodpecker" or ".forgejo" or ".gitea":
                    return ("the build servers, with their secrets", RiskTier.ReachesOut);
                case ".npmrc" or ".yarnrc" or ".yarnrc.yml" or ".pnpmfile.cjs" or "nuget.config" or "pip.conf":
                    return ("the package manager, at its next install", RiskTier.ReachesOut);
                case ".pre-commit-config.yaml" or "lefthook.yml":
                    return ("git, at the next commit", RiskTier.ReachesOut);
                case "package.json" or "makefile" or "gnumakefile" or "directory.build.props" or "directory.build.targets" or "build.rs"
                    or "setup.py" or "conftest.py" or "justfile" or "taskfile.yml" or "dockerfile" or "docker-compose.yml" or "compose.yaml"
                    or "compose.yml" when i == parts.Length - 1:
                    return ("the next build, test or install", RiskTier.WorkspaceWrite);
            }
        }

        if (path.StartsWith(home + "/", StringComparison.Ordinal) && parts.Length == home.Count(c => c == '/') + 1
            && name is ".bashrc" or ".bash_profile" or ".profile" or ".zshrc" or ".zshenv" or ".zprofile" or ".bash_login" or ".bash_logout"
                or ".bash_aliases" or ".inputrc" or ".tmux.conf" or ".xinitrc" or ".xprofile")
        {
            return ("the shell, at the next login", RiskTier.Destructive);
        }

        if (path.Contains("/.ssh/", StringComparison.Ordinal) || path.EndsWith("/.ssh", StringComparison.Ordinal))
        {
            return ("ssh, when somebody logs in", RiskTier.Destructive);
        }

        return path.StartsWith("/etc/cron", StringComparison.Ordinal) || path.Contains("/systemd/", StringComparison.Ordinal)
            || path.Contains("/autostart/", StringComparison.Ordinal)
            || path.StartsWith("/etc/profile", StringComparison.Ordinal) || path.StartsWith("/etc/ld.so", StringComparison.Ordinal)
            || path.StartsWith("/var/spool/cron", StringComparison.Ordinal) || path.Contains("/LaunchAgents/", StringComparison.Ordinal)
                ? ("the system, by itself", RiskTier.Destructive)
                : null;
    }
}

namespace PocketCoder.Risks.Tests;

public sealed class EditTests
{
    [Theory]
    [InlineData("src/a.cs", RiskTier.WorkspaceWrite, false)]
    [InlineData("/home/me/proj/src/a.cs", RiskTier.WorkspaceWrite, false)]
    [InlineData("package.json", RiskTier.WorkspaceWrite, true)]
    [InlineData("sub/package.json", RiskTier.WorkspaceWrite, true)]
    [InlineData("CLAUDE.md", RiskTier.WorkspaceWrite, true)]
    [InlineData(".github/workflows/ci.yml", RiskTier.ReachesOut, true)]
    [InlineData(".npmrc", RiskTier.ReachesOut, true)]
    [InlineData(".git/hooks/pre-commit", RiskTier.Destructive, true)]
    [InlineData(".GIT/hooks/pre-commit", RiskTier.Destructive, true)]
    [InlineData("sub/../.git/config", RiskTier.Destructive, true)]
    [InlineData("module/.git/config", RiskTier.Destructive, true)]
    [InlineData(".claude/settings.json", RiskTier.Destructive, true)]
    [InlineData(".codex/config.toml", RiskTier.Destructive, true)]
    [InlineData(".mcp.json", RiskTier.Destructive, true)]
    [InlineData(".envrc", RiskTier.Destructive, true)]
    [InlineData(".vscode/tasks.json", RiskTier.Destructive, true)]
    [InlineData("../other/a.cs", RiskTier.Destructive, false)]
    [InlineData("/etc/passwd", RiskTier.Destructive, false)]
    [InlineData("/home/me/.bashrc", RiskTier.Destructive, true)]
    [InlineData("/home/me/proj2/a.cs", RiskTier.Destructive, false)]
    public void A_file_that_is_obeyed_later_is_told_apart(string path, RiskTier tier, bool later)
    {
        var risk = RiskAssessor.AssessEdit(path, "/home/me/proj", "/home/me");
        Assert.Equal(tier, risk.Tier);
        Assert.True(risk.Understood);
        Assert.Equal(later, risk.Consequences.Any(c => c.Kind == ConsequenceKind.RunsLater));
        Assert.Equal(tier <= RiskTier.WorkspaceWrite, risk.Reversible);
    }

    [Fact]
    public void Names_of_secrets_are_known_whatever_their_case_and_examples_of_them_are_none()
    {
        string[] secrets =
        [
            ".env", ".env.local", ".env.production", ".env-prod", ".env_prod", ".envrc", ".envrc.local", "prod.env", "x.env.local",
            ".flaskenv", ".dev.vars", "terraform.tfstate", "terraform.tfstate.backup", "prod.tfvars",
            "id_rsa", "id_ed25519", "server.pem", "server.key", "credentials.json", ".netrc", ".git-credentials",
        ];
        string[] others = [".env.example", ".env.sample", ".env-example", ".envrc.example", ".env.test", "environment.ts", "env.ts",
            "vite-env.d.ts", "main.tf", "id_rsa.pub", "README.md", "dev/env", "proc/fd/x", "tfstate"];
        var casing = new Random(5);
        foreach (var name in secrets)
        {
            foreach (var spelled in Enumerable.Range(0, 8)
                .Select(_ => string.Concat(name.Select(c => casing.Next(2) == 0 ? char.ToUpperInvariant(c) : c))).Append(name))
            {
                Assert.True(RiskAssessor.IsSecret($"/home/me/proj/{spelled}", "/home/me"), spelled);
            }
        }

        Assert.All(others, o => Assert.False(RiskAssessor.IsSecret($"/home/me/proj/{o}", "/home/me"), o));
        Assert.True(RiskAssessor.IsSecret("/home/me/.SSH/config", "/home/me"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a\0b")]
    [InlineData("src/\u202eevil.cs")]
    public void What_is_no_plain_path_is_not_understood(string path)
    {
        var risk = RiskAssessor.AssessEdit(path, "/home/me/proj", "/home/me");
        Assert.False(risk.Understood);
        Assert.NotEqual(RiskTier.Read, risk.Tier);
    }

    [Fact]
    public void A_workspace_below_a_folder_with_a_special_name_is_a_workspace()
        => Assert.DoesNotContain(
            RiskAssessor.AssessEdit("a.cs", "/home/me/.vscode/proj", "/home/me").Consequences, c => c.Kind == ConsequenceKind.RunsLater);

    [Fact]
    public void Links_are_followed_to_where_they_lead()
    {
        var root = Directory.CreateTempSubdirectory("risk-links-").FullName;
        try
        {
            var workspace = Path.Combine(root, "proj");
            Directory.CreateDirectory(Path.Combine(workspace, "src"));
            Directory.CreateSymbolicLink(Path.Combine(workspace, "out"), "/usr/share");
            Directory.CreateSymbolicLink(Path.Combine(workspace, "in"), "src");
            File.CreateSymbolicLink(Path.Combine(workspace, "notes.txt"), "/etc/passwd");
            File.CreateSymbolicLink(Path.Combine(workspace, ".envrc"), "src/plain.txt");
            Directory.CreateSymbolicLink(Path.Combine(workspace, "loop"), "loop");

            Assert.Equal(RiskTier.Destructive, Of("echo x > out/a").Tier);
            Assert.Equal(RiskTier.Destructive, Of("echo x > notes.txt").Tier);
            Assert.Equal(RiskTier.Destructive, Of("touch in/../out/a").Tier);
            Assert.Equal(RiskTier.Destructive, Of("touch out/../lib/a").Tier);
            Assert.Equal(RiskTier.Destructive, Of("touch loop/a").Tier);
            Assert.Equal(RiskTier.WorkspaceWrite, Of("echo x > in/a").Tier);
            Assert.Contains(Of("echo x > in/a").Consequences, c => c.Subject == "src/a");
            Assert.Equal(RiskTier.Destructive, RiskAssessor.AssessEdit("notes.txt", workspace, root).Tier);
            Assert.Contains(RiskAssessor.AssessEdit(".envrc", workspace, root).Consequences, c => c.Kind == ConsequenceKind.RunsLater);

            Risk Of(string command) => RiskAssessor.Assess(command, workspace, workspace, root);
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }
}

/// <summary>Which files a command runs as code.</summary>
public sealed class ScriptTests
{
    [Theory]
    [InlineData("./build.sh --fast", "build.sh")]
    [InlineData("cd sub && ./x", "sub/x")]
    [InlineData("bash -eu tools/x.sh a b", "tools/x.sh")]
    [InlineData("sudo env A=1 timeout 5 nice ./x", "x")]
    [InlineData("bash -c 'sh run.sh; . ./lib.sh'", "run.sh lib.sh")]
    [InlineData(". ./lib.sh; sh run.sh", "lib.sh")] // it may have gone to another folder
    [InlineData("echo one; source env.sh", "env.sh")]
    [InlineData("find . -exec ./each {} +", "each")]
    [InlineData("echo ./x; cat build.sh; python3 -c 'open(\"y.py\")'", "")]
    [InlineData("bash $X; python3 $Y; ./$Z", "")]
    public void They_are_named_in_order_with_the_folder_they_are_in(string command, string scripts)
        => Assert.Equal(
            scripts.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(s => "/home/me/proj/" + s),
            RiskAssessor.Assess(command, "/home/me/proj", "/home/me/proj", "/home/me").Scripts);

    [Fact]
    public void There_is_an_end_to_how_many()
        => Assert.Equal(RiskLimits.MaxScripts,
            RiskAssessor.Assess(string.Join(';', Enumerable.Range(0, 100).Select(i => $"./x{i}")), "/p", "/p", "/home/me").Scripts.Count);

    [Theory]
    [InlineData("README.md", false)]
    [InlineData(".env", true)]
    [InlineData("/home/me/.ssh/config", true)]
    [InlineData("deploy/server.key", true)]
    public void A_file_with_secrets_is_told_when_it_is_given_away(string path, bool secret)
        => Assert.Equal(secret, RiskAssessor.AssessRead(path, "/home/me/proj", "/home/me").Consequences.Any(
            c => c.Kind == ConsequenceKind.ReadsSecret));
}

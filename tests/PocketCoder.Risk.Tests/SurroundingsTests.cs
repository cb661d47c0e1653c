namespace PocketCoder.Risks.Tests;

/// <summary>Temporary folders, the home folder and other projects are not the project, wherever it lies.</summary>
public sealed class SurroundingsTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("risk-around-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    public static TheoryData<string> TemporaryFolders() => ["/tmp", "/var/tmp", "/dev/shm"];

    [Theory]
    [MemberData(nameof(TemporaryFolders))]
    public void A_temporary_folder_is_outside_of_the_project_unless_it_is_the_sandbox_s_own(string temporary)
    {
        Risk Of(string command, string project, RiskSurroundings? around = null)
            => RiskAssessor.Assess(command, project, project, "/home/me", around);
        var own = new RiskSurroundings([], [temporary]);
        foreach (var command in (string[])["echo x > {0}/f", "touch {0}/f", "cp a {0}/f", "ls | tee {0}/f", "chmod +x {0}/f",
            "mkdir {0}/d"])
        {
            var there = command.Replace("{0}", temporary, StringComparison.Ordinal);
            var shared = Of(there, "/home/me/proj");
            Assert.Equal((RiskTier.Destructive, false), (shared.Tier, shared.Reversible));
            var inside = Of(there, "/home/me/proj", own);
            Assert.Equal((RiskTier.WorkspaceWrite, false), (inside.Tier, inside.Reversible));

            // The project is there itself: it is bound from the machine, and what lies beside it may be bound too.
            Assert.Equal(RiskTier.Destructive, Of(there, temporary + "/a", own).Tier);
        }

        Assert.Equal(RiskTier.Destructive, Of("echo x > ../b/edit.txt", temporary + "/a").Tier);
        Assert.Equal(RiskTier.Destructive, Of("rm -rf ../b", temporary + "/a", own).Tier);
        var mine = Of("echo x > edit.txt", temporary + "/a");
        Assert.Equal((RiskTier.WorkspaceWrite, true), (mine.Tier, mine.Reversible));
        Assert.NotEqual(RiskTier.Read, Of("echo x > \"$TMPDIR/f\"", "/home/me/proj", own).Tier);
        Assert.False(Of("echo x > \"$TMPDIR/f\"", "/home/me/proj", own).Reversible);
        Assert.Equal(RiskTier.Destructive, Of("echo x > ~/f", "/home/me/proj", own).Tier);
        Assert.Equal(RiskTier.Destructive, RiskAssessor.AssessEdit(temporary + "/f", "/home/me/proj", "/home/me").Tier);
    }

    [Fact]
    public void Another_project_s_folder_is_red_by_every_way_that_leads_there()
    {
        var (mine, theirs) = (Path.Combine(_root, "a"), Path.Combine(_root, "b"));
        Directory.CreateDirectory(Path.Combine(mine, "sub"));
        Directory.CreateDirectory(theirs);
        Directory.CreateSymbolicLink(Path.Combine(mine, "link"), theirs);
        Directory.CreateSymbolicLink(Path.Combine(_root, "other"), theirs);
        var around = new RiskSurroundings([new NeighbourProject("the other one", Path.Combine(_root, "other"))], ["/tmp"]);
        Risk Of(string command) => RiskAssessor.Assess(command, mine, mine, "/home/me", around);

        foreach (var command in (string[])["echo x > ../b/edit.txt", "cd .. && touch b/x", $"tee {theirs}/x", "cp a.txt ../other/",
            "echo x > link/x", "mkdir -p sub/../../b/d", "rm -rf ../b/src", "chmod -R 777 ../b", "mv a.txt ../b", "sed -i s/a/b/ ../b/x"])
        {
            var risk = Of(command);
            Assert.True(risk.Tier == RiskTier.Destructive && !risk.Reversible, command);
        }

        Assert.Contains(Of("echo x > ../b/edit.txt").Consequences,
            c => c.Sentence.Contains("belongs to another project: the other one", StringComparison.Ordinal));
        Assert.Contains(Of("rm ../b/edit.txt").Consequences, c => c.Sentence.Contains("another project", StringComparison.Ordinal));
        Assert.Equal(RiskTier.ReachesOut, Of("cat ../b/edit.txt").Tier);
        Assert.Equal(RiskTier.ReachesOut, Of("grep -rn x ..").Tier);
        Assert.Equal(RiskTier.Destructive, RiskAssessor.AssessEdit(Path.Combine(theirs, "x"), mine, "/home/me", around).Tier);
        Assert.Equal(RiskTier.WorkspaceWrite, Of("echo x > sub/x").Tier);
    }

    [Fact]
    public void A_project_within_the_project_is_the_project_and_one_around_it_is_not()
    {
        RiskTier Of(string command, string other) => RiskAssessor.Assess(
            command, "/srv/mono", "/srv/mono", "/home/me", new RiskSurroundings([new NeighbourProject("other", other)], [])).Tier;
        Assert.Equal(RiskTier.WorkspaceWrite, Of("touch part/x", "/srv/mono/part"));
        Assert.Equal(RiskTier.WorkspaceWrite, Of("touch x", "/srv"));
        Assert.Equal(RiskTier.Destructive, Of("touch ../x", "/srv"));
    }
}

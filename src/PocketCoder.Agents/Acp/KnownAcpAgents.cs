using PocketCoder.Agents.Cursor;

namespace PocketCoder.Agents.Acp;

/// <summary>
/// ACP agents that are known though they can't be run where this is built: from their makers' documents. <see cref="AcpAgent"/> has those
/// that the tests run.
/// </summary>
public static class KnownAcpAgents
{
    /// <summary>Cursor's CLI, with questions and plans. It needs a login: <c>cursor-agent login</c>, or <c>CURSOR_API_KEY</c>.</summary>
    public static AcpAgent Cursor { get; } = new("cursor", "Cursor", CursorDriver.Program, ["acp"])
    {
        ProgramVariable = CursorDriver.ProgramVariable,
        EnvironmentNames = CursorDriver.EnvironmentNames,
        Modes = ["agent", "plan", "ask"],
        Files = false,
        Plans = true,
        Questions = true,
        Extension = () => new CursorExtension(),
        ProgramFiles = CursorDriver.ProgramFiles,
        Install = null,
    };

    /// <summary>ByteDance's Trae CLI.</summary>
    public static AcpAgent Trae { get; } = new("trae", "Trae CLI", "traecli", ["acp", "serve"])
    {
        ProgramVariable = "POCKETCODER_TRAE",
        EnvironmentNames = ["TRAE_*"],
    };
}

using System.Text.Json.Serialization;

namespace PocketCoder.Protocol;

/// <summary>What was done to a file or folder of a project, as the ledger's row has it.</summary>
[JsonConverter(typeof(LowerSnake<FileAction>))]
public enum FileAction
{
    Write,
    MakeDirectory,
    Move,
    Delete,
    Restore,
}

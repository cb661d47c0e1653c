using System.Text.Json;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.OpenCode;

/// <summary>OpenCode in a room: its files there, and its only way to models. The folder was the agent's in earlier runs, so nothing in it is trusted: no link is followed.</summary>
/// <param name="provider">Whose models are asked: <c>anthropic</c>, <c>openai</c>, <c>google</c>.</param>
/// <param name="model">The model to begin with; null: OpenCode's own choice among that provider's.</param>
internal sealed class OpenCodeRoom(IAgentRoom room, AgentModelAccess access, string provider, OpenCodeModel? model)
{
    private const string Data = "data";

    /// <summary>What of a repository OpenCode would run or obey, whatever its settings: it looks empty inside.</summary>
    private static readonly string[] Emptied = [".opencode", ".claude", ".agents"];

    public IAgentRoom Room { get; } = room;

    public AgentRoomNeeds Needs(AgentToolDoor tools) => new() { Tools = tools, Emptied = Emptied };

    /// <summary>Takes away what says how OpenCode behaves; conversations stay.</summary>
    /// <exception cref="AgentException">The folder can't be used.</exception>
    public void Prepare()
    {
        if (OperatingSystem.IsWindows())
        {
            throw new AgentException(AgentError.FailedToStart, "There are no rooms on Windows.");
        }

        try
        {
            var state = Room.StateDirectory;
            RoomFiles.Fresh(Path.Combine(state, "config"));
            RoomFiles.Fresh(Path.Combine(state, "cache"));
            RoomFiles.Fresh(Path.Combine(state, "state"));
            RoomFiles.Own(Path.Combine(state, Data));
            RoomFiles.Own(Path.Combine(state, Data, "opencode"));
            RoomFiles.Remove(Path.Combine(state, Data, "opencode", "auth.json"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AgentException(AgentError.FailedToStart, $"The folder for OpenCode's own files can't be used: {e.Message}", e);
        }
    }

    /// <summary>A conversation to be read in; with it whatever an earlier try left of conversations goes.</summary>
    /// <returns>Where it lies, for its owner only.</returns>
    /// <exception cref="AgentException">The folder can't be used.</exception>
    public string Incoming(ReadOnlySpan<byte> conversation)
    {
        if (OperatingSystem.IsWindows())
        {
            throw new AgentException(AgentError.FailedToStart, "There are no rooms on Windows.");
        }

        try
        {
            var file = Path.Combine(RoomFiles.Fresh(Path.Combine(Room.StateDirectory, Data)), "incoming.json");
            RoomFiles.Write(file, conversation);
            RoomFiles.Own(Path.Combine(Room.StateDirectory, Data, "opencode"));
            return file;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AgentException(AgentError.FailedToStart, $"The folder for OpenCode's own files can't be used: {e.Message}", e);
        }
    }

    /// <summary>Beside what every OpenCode of ours gets. Nothing of the daemon's own but the time zone; the room itself says what PATH, HOME and the like are.</summary>
    public IEnumerable<KeyValuePair<string, string>> Environment(IReadOnlyDictionary<string, string> outside)
    {
        foreach (var name in (string[])["config", "cache", "state", Data])
        {
            yield return new($"XDG_{name.ToUpperInvariant()}_HOME", Path.Combine(Room.StateDirectory, name));
        }

        yield return new("OPENCODE_DISABLE_MODELS_FETCH", "1"); // there is no way to it
        yield return new("OPENCODE_DISABLE_DEFAULT_PLUGINS", "1"); // they are for logins, which are not in here
        if (outside.TryGetValue("TZ", out var zone))
        {
            yield return new("TZ", zone);
        }
    }

    /// <summary>The part of the settings that leads to the models.</summary>
    public void WriteModels(Utf8JsonWriter w)
    {
        w.WriteStartArray("enabled_providers");
        w.WriteStringValue(provider);
        w.WriteEndArray();
        w.WriteStartObject("provider");
        w.WriteStartObject(provider);
        w.WriteStartObject("options");
        w.WriteString("baseURL", provider switch
        {
            "anthropic" => $"{access.BaseUrl}/v1",
            "google" => $"{access.BaseUrl}/v1beta",
            _ => access.BaseUrl,
        });
        w.WriteString("apiKey", access.Credential);
        w.WriteEndObject();
        if (model is not null)
        {
            w.WriteStartObject("models"); // also one that it does not know yet
            w.WriteStartObject(model.Model);
            w.WriteEndObject();
            w.WriteEndObject();
        }

        w.WriteEndObject();
        w.WriteEndObject();
        if (model is not null)
        {
            w.WriteString("model", model.ToString());
            w.WriteString("small_model", model.ToString());
        }
    }

    /// <exception cref="AgentException">There is no way to that model from here.</exception>
    public OpenCodeModel Checked(OpenCodeModel wanted)
        => wanted.Provider == provider ? wanted : throw new AgentException(AgentError.Refused, $"In this sandboxed session there are models of {provider} only. Start another session for those of {BoundedText.OneLine(wanted.Provider)}.");
}

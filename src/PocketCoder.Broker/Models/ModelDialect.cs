using System.Text.Json.Serialization;
using PocketCoder.Protocol;

namespace PocketCoder.Broker.Models;

/// <summary>Whose API is spoken. Its name in lower case is the first part of an endpoint's path: <c>/anthropic/v1/messages</c>.</summary>
[JsonConverter(typeof(LowerSnake<ModelDialect>))]
public enum ModelDialect
{
    /// <summary>Messages.</summary>
    Anthropic,

    /// <summary>Responses and Chat Completions.</summary>
    Openai,

    /// <summary>generateContent and streamGenerateContent.</summary>
    Gemini,
}

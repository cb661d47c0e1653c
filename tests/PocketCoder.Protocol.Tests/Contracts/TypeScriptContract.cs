using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using PocketCoder.Testing.Contracts;

namespace PocketCoder.Protocol.Tests.Contracts;

/// <summary>Writes the app's TypeScript types from the serializer's own metadata, so that both sides mean the same JSON.</summary>
internal sealed class TypeScriptContract
{
    private readonly JsonSerializerOptions _options = ProtocolJson.Default.Options;
    private readonly SortedDictionary<string, string> _declarations = new(StringComparer.Ordinal);
    private readonly HashSet<Type> _seen = [];

    public static string Generate()
    {
        var contract = new TypeScriptContract();
        var text = new StringBuilder("// Generated from the C# records of PocketCoder.Protocol by eng/contracts.sh. Do not edit.\n\n");
        var requests = new StringBuilder("/** Request payload and response payload by message type. */\nexport interface Requests {\n");
        foreach (var type in MessageTypes.Requests)
        {
            requests.Append($"  {type}: {{ request: {contract.Name(MessageCatalog.Request(type))}; response: {contract.Name(MessageCatalog.Response(type))} }};\n");
        }

        requests.Append("}\n\n");
        foreach (var type in (Type[])[typeof(AgentEventPayload), typeof(AgentEventsPayload), typeof(AgentDeltaPayload),
            typeof(MachineEvent), typeof(TerminalOutputPayload), typeof(CommandOutputPayload), typeof(CommandExitPayload),
            typeof(WireError), typeof(Envelope)])
        {
            contract.Name(type);
        }

        text.Append(requests);
        foreach (var declaration in contract._declarations.Values)
        {
            text.Append(declaration).Append('\n');
        }

        text.Append("export const Limits = {\n")
            .Append($"  messageBytes: {Limits.MessageBytes},\n  promptBytes: {Limits.PromptBytes},\n  queuedPrompts: {Limits.QueuedPrompts},\n  reasonBytes: {Limits.ReasonBytes},\n  nameLength: {Limits.NameLength},\n  searchCharacters: {Limits.SearchCharacters},\n  sessionLabels: {Limits.SessionLabels},\n  labelLength: {Limits.LabelLength},\n  snoozeDays: {Limits.SnoozeDays},\n  letterDays: {Limits.LetterDays},\n")
            .Append($"  attachmentBytes: {AttachmentLimits.FileBytes},\n  attachmentsPerPrompt: {AttachmentLimits.PerPrompt},\n  attachmentChunkBytes: {AttachmentLimits.ChunkBytes},\n  attachmentNameLength: {AttachmentLimits.NameLength},\n  imageBytes: {AttachmentLimits.ImageBytes},\n  promptImageBytes: {AttachmentLimits.PromptImageBytes},\n")
            .Append($"  terminalInputBytes: {TerminalLimits.InputBytes},\n  terminalWindow: {TerminalLimits.Window},\n  terminalHistoryLines: {TerminalLimits.HistoryLines},\n  terminalNameLength: {TerminalLimits.NameLength},\n  terminalLargestSide: {TerminalLimits.LargestSide},\n")
            .Append($"  providerKeyShortest: {ProviderKeyLimits.Shortest},\n  providerKeyLongest: {ProviderKeyLimits.Longest},\n")
            .Append($"  budgetDollars: {UsageLimits.MostDollars},\n  budgetTokens: {UsageLimits.MostTokens},\n")
            .Append("} as const;\n");
        return text.ToString();
    }

    private string Name(Type type)
    {
        if (Nullable.GetUnderlyingType(type) is { } inner)
        {
            return Name(inner);
        }

        if (type.IsEnum)
        {
            if (_seen.Add(type))
            {
                var words = Enum.GetValues(type).Cast<object>().Select(v => JsonSerializer.Serialize(v, type, _options));
                _declarations[type.Name] = $"export type {type.Name} = {string.Join(" | ", words)};\n";
            }

            return type.Name;
        }

        if (type == typeof(string) || type == typeof(Guid) || type == typeof(DateTimeOffset))
        {
            return "string";
        }

        if (type == typeof(bool))
        {
            return "boolean";
        }

        if (type == typeof(int) || type == typeof(long) || type == typeof(decimal))
        {
            return "number";
        }

        if (type == typeof(JsonElement))
        {
            return "unknown";
        }

        var info = _options.GetTypeInfo(type);
        switch (info.Kind)
        {
            case JsonTypeInfoKind.Enumerable:
                return $"{Name(info.ElementType!)}[]";
            case JsonTypeInfoKind.Dictionary:
                return $"Record<string, {Name(info.ElementType!)}>";
            case JsonTypeInfoKind.Object:
                Declare(type, info);
                return type.Name;
            default:
                throw new NotSupportedException($"{type} has no TypeScript counterpart");
        }
    }

    private void Declare(Type type, JsonTypeInfo info)
    {
        if (!_seen.Add(type))
        {
            return;
        }

        if (info.PolymorphismOptions is { DerivedTypes.Count: > 0 } union)
        {
            foreach (var derived in union.DerivedTypes)
            {
                _seen.Add(derived.DerivedType);
                DeclareObject(derived.DerivedType, _options.GetTypeInfo(derived.DerivedType),
                    $"  {union.TypeDiscriminatorPropertyName}: \"{derived.TypeDiscriminator}\";\n");
            }

            _declarations[type.Name] =
                $"export type {type.Name} =\n{string.Concat(union.DerivedTypes.Select(d => $"  | {d.DerivedType.Name}\n"))[..^1]};\n";
            return;
        }

        DeclareObject(type, info, "");
    }

    private void DeclareObject(Type type, JsonTypeInfo info, string head)
    {
        var body = new StringBuilder(head);
        foreach (var property in info.Properties)
        {
            var nullable = property.IsGetNullable || Nullable.GetUnderlyingType(property.PropertyType) is not null;
            var optional = property.AssociatedParameter is { HasDefaultValue: true }
                || (property.AssociatedParameter is null && !property.IsRequired);
            body.Append($"  {property.Name}{(optional ? "?" : "")}: {Name(property.PropertyType)}{(nullable ? " | null" : "")};\n");
        }

        _declarations[type.Name] = body.Length == 0
            ? $"export type {type.Name} = Record<string, never>;\n"
            : $"export interface {type.Name} {{\n{body}}}\n";
    }
}

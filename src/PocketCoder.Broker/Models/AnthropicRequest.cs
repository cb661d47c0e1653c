using static PocketCoder.Broker.Models.RequestShape;

namespace PocketCoder.Broker.Models;

/// <summary>
/// What may stand in a request of Anthropic's Messages API (<c>/v1/messages</c>, <c>/v1/messages/count_tokens</c>;
/// docs.claude.com/en/api/messages). Not in it, and so refused: tools that the provider runs (web search, fetching, code execution, MCP
/// connectors, containers, skills), sources by URL or file id, results of such tools, and the fast speed, whose price no table knows.
/// </summary>
internal static class AnthropicRequest
{
    private static readonly RequestShape s_cache = Tagged(
        "type", null, ("ephemeral", Object(("ttl", OneOf("5m", "1h")), ("scope", OneOf("global", "organization")))));
    private static readonly RequestShape s_enabled = Object(("enabled", Flag));

    private static readonly (string, ObjectShape) s_text =
        ("text", Object(("text", Text), ("cache_control", s_cache), ("citations", Each(Data))));

    private static readonly (string, ObjectShape) s_image = ("image", Object(
        ("source", Tagged("type", null, ("base64", Object(("media_type", Text), ("data", Media))))),
        ("cache_control", s_cache)));

    private static readonly (string, ObjectShape) s_document = ("document", Object(
        ("source", Tagged(
            "type",
            null,
            ("base64", Object(("media_type", Text), ("data", Media))),
            ("text", Object(("media_type", Text), ("data", Text))),
            ("content", Object(("content", Either(Text, Each(Tagged("type", null, s_text, s_image)))))))),
        ("title", Text),
        ("context", Text),
        ("citations", s_enabled),
        ("cache_control", s_cache)));

    private static readonly (string, ObjectShape) s_searchResult = ("search_result", Object(
        ("source", Text), ("title", Text), ("content", Each(Tagged("type", null, s_text))), ("citations", s_enabled),
        ("cache_control", s_cache)));

    /// <summary>Names one of the request's own tools.</summary>
    private static readonly (string, ObjectShape) s_toolReference =
        ("tool_reference", Object(("tool_name", Text), ("cache_control", s_cache)));

    private static readonly RequestShape s_caller = Tagged("type", null, ("direct", Object()));

    private static readonly RequestShape s_blocks = Each(Tagged(
        "type",
        null,
        s_text,
        s_image,
        s_document,
        s_searchResult,
        ("tool_use", Object(("id", Text), ("name", Text), ("input", Data), ("caller", s_caller), ("cache_control", s_cache))),
        ("tool_result", Object(
            ("tool_use_id", Text),
            ("content", Either(Text, Each(Tagged("type", null, s_text, s_image, s_document, s_searchResult, s_toolReference)))),
            ("is_error", Flag),
            ("cache_control", s_cache))),
        s_toolReference,
        ("thinking", Object(("thinking", Text), ("signature", Text))),
        ("redacted_thinking", Object(("data", Text))),
        ("compaction", Object(("content", Text), ("cache_control", s_cache)))));

    private static readonly ObjectShape s_tool = Object(
        ("name", Text),
        ("description", Text),
        ("input_schema", Schema),
        ("input_examples", Each(Data)),
        ("cache_control", s_cache),
        ("strict", Flag),
        ("eager_input_streaming", Flag),
        ("defer_loading", Flag),
        ("allowed_callers", Each(OneOf("direct"))));

    private static readonly RequestShape s_amount = Tagged("type", null, ("input_tokens", Object(("value", Number))),
        ("tool_uses", Object(("value", Number))), ("thinking_turns", Object(("value", Number))));
    private static readonly RequestShape s_format = Tagged("type", null, ("json_schema", Object(("schema", Schema))));

    public static ObjectShape Shape { get; } = Object(
        ("model", Text),
        ("max_tokens", Number),
        ("messages", Each(Object(("role", OneOf("user", "assistant", "system")), ("content", Either(Text, s_blocks))))),
        ("system", Either(Text, Each(Tagged("type", null, s_text)))),
        ("tools", Each(Tagged("type", "custom", ("custom", s_tool)))),
        ("tool_choice", Tagged(
            "type",
            null,
            ("auto", Object(("disable_parallel_tool_use", Flag))),
            ("any", Object(("disable_parallel_tool_use", Flag))),
            ("tool", Object(("name", Text), ("disable_parallel_tool_use", Flag))),
            ("none", Object()))),
        ("thinking", Tagged(
            "type",
            null,
            ("enabled", Object(("budget_tokens", Number), ("display", Text))),
            ("adaptive", Object(("display", Text))),
            ("disabled", Object()))),
        ("temperature", Number),
        ("top_p", Number),
        ("top_k", Number),
        ("stop_sequences", Each(Text)),
        ("stream", Flag),
        ("metadata", Object(("user_id", Text))),
        ("service_tier", OneOf("auto", "standard_only")),
        ("cache_control", s_cache),
        ("output_format", s_format),
        ("output_config", Object(
            ("effort", Text),
            ("format", s_format),
            ("task_budget", Tagged("type", null, ("tokens", Object(("total", Number), ("remaining", Number))))))),
        ("context_management", Object(("edits", Each(Tagged(
            "type",
            null,
            ("clear_tool_uses_20250919", Object(
                ("trigger", s_amount), ("keep", s_amount), ("clear_at_least", s_amount), ("exclude_tools", Each(Text)),
                ("clear_tool_inputs", Either(Flag, Each(Text))))),
            ("clear_thinking_20251015", Object(("keep", Either(OneOf("all"), s_amount)))),
            ("compact_20260112", Object(("trigger", s_amount), ("instructions", Text), ("pause_after_compaction", Flag)))))))));
}

using static PocketCoder.Broker.Models.RequestShape;

namespace PocketCoder.Broker.Models;

/// <summary>
/// What may stand in a request of OpenAI's Responses and Chat Completions (platform.openai.com/docs/api-reference). Not in it, and so
/// refused: tools that the provider runs (web search, file search, code interpreter, MCP, shells in its containers), pictures and files by
/// URL or id, items, prompts, responses and conversations that the provider keeps, work in the background, and the priority tier, whose
/// price no table knows.
/// </summary>
internal static class OpenaiRequest
{
    private static readonly RequestShape s_tier = OneOf("auto", "default", "flex");

    private static readonly ObjectShape s_function = Object(
        ("name", Text), ("description", Text), ("parameters", Schema), ("strict", Flag), ("defer_loading", Flag));

    private static readonly ObjectShape s_custom = Object(
        ("name", Text),
        ("description", Text),
        ("defer_loading", Flag),
        ("format", Tagged("type", null, ("text", Object()), ("grammar", Object(("syntax", Text), ("definition", Text))))));

    private static readonly (string, ObjectShape)[] s_called = [("function", s_function), ("custom", s_custom)];

    /// <summary>
    /// Tools that the agent runs. A search among them is the agent's too; one by the provider could find more than was sent.
    /// </summary>
    private static readonly RequestShape s_tools = Each(Tagged(
        "type",
        null,
        [
            .. s_called,
            ("namespace", Object(("name", Text), ("description", Text), ("tools", Each(Tagged("type", null, s_called))))),
            ("tool_search", Object(("execution", OneOf("client")), ("description", Text), ("parameters", Schema))),
        ]));

    private static readonly RequestShape s_ownTool = Tagged(
        "type", null, ("function", Object(("name", Text))), ("custom", Object(("name", Text))));

    private static readonly RequestShape s_choice = Either(
        OneOf("auto", "none", "required"),
        Tagged(
            "type",
            null,
            ("function", Object(("name", Text))),
            ("custom", Object(("name", Text))),
            ("allowed_tools", Object(("mode", OneOf("auto", "required")), ("tools", Each(s_ownTool))))));

    private static readonly RequestShape s_parts = Each(Tagged(
        "type",
        null,
        ("input_text", Object(("text", Text))),
        ("output_text", Object(("text", Text), ("annotations", Each(Data)), ("logprobs", Each(Data)))),
        ("text", Object(("text", Text))),
        ("refusal", Object(("refusal", Text))),
        ("summary_text", Object(("text", Text))),
        ("reasoning_text", Object(("text", Text))),
        ("encrypted_content", Object(("encrypted_content", Text))),
        ("input_image", Object(("image_url", DataUrl), ("detail", Text), ("file_id", Nothing))),
        ("input_file", Object(("file_data", Media), ("filename", Text), ("detail", Text), ("file_id", Nothing), ("file_url", Nothing))),
        ("input_audio", Object(("input_audio", Object(("data", Media), ("format", Text)))))));

    private static readonly RequestShape s_output = Either(Text, s_parts);
    private static readonly RequestShape s_reasoning = Object(
        ("effort", Text), ("summary", Text), ("generate_summary", Text), ("context", Text));

    /// <summary>Members that any item may have.</summary>
    private static readonly ObjectShape s_item = Object(
        ("id", Text), ("status", Text), ("encrypted_content", Text), ("encrypted_function_args", Text),
        ("internal_chat_message_metadata_passthrough", Labels));

    private static readonly RequestShape s_items = Each(Tagged(
        "type",
        "message",
        ("message", s_item.With(("role", OneOf("user", "assistant", "system", "developer")), ("content", Either(Text, s_parts)),
            ("phase", Text), ("end_turn", Flag))),
        ("function_call", s_item.With(("call_id", Text), ("name", Text), ("namespace", Text), ("arguments", Text))),
        ("function_call_output", s_item.With(("call_id", Text), ("name", Text), ("namespace", Text), ("output", s_output))),
        ("agent_message", s_item.With(("author", Text), ("recipient", Text), ("content", s_output))),
        ("custom_tool_call", s_item.With(("call_id", Text), ("name", Text), ("namespace", Text), ("input", Text))),
        ("custom_tool_call_output", s_item.With(("call_id", Text), ("name", Text), ("output", s_output))),
        ("tool_search_call", s_item.With(("call_id", Text), ("execution", OneOf("client")), ("arguments", Data))),
        ("tool_search_output", s_item.With(("call_id", Text), ("execution", OneOf("client")), ("tools", s_tools))),
        ("additional_tools", s_item.With(("role", OneOf("user", "assistant", "system", "developer")), ("tools", s_tools))),
        ("reasoning", s_item.With(("summary", s_parts), ("content", s_parts))),
        ("configuration_update", s_item.With(("reasoning", s_reasoning))),
        ("compaction", s_item),
        ("compaction_summary", s_item),
        ("compaction_trigger", s_item),
        ("context_compaction", s_item)));

    public static ObjectShape Responses { get; } = Object(
        ("model", Text),
        ("instructions", Text),
        ("input", Either(Text, s_items)),
        ("tools", s_tools),
        ("tool_choice", s_choice),
        ("parallel_tool_calls", Flag),
        ("reasoning", s_reasoning),
        ("text", Object(("verbosity", Text), ("format", Tagged(
            "type",
            null,
            ("text", Object()),
            ("json_object", Object()),
            ("json_schema", Object(("name", Text), ("description", Text), ("schema", Schema), ("strict", Flag))))))),
        ("store", Off),
        ("background", Off),
        ("previous_response_id", Nothing),
        ("conversation", Nothing),
        ("prompt", Nothing),
        ("stream", Flag),
        ("stream_options", Object(("include_obfuscation", Flag), ("include_usage", Flag))),
        ("include", Each(OneOf("reasoning.encrypted_content", "message.output_text.logprobs"))),
        ("service_tier", s_tier),
        ("prompt_cache_key", Text),
        ("prompt_cache_retention", Text),
        ("safety_identifier", Text),
        ("user", Text),
        ("metadata", Labels),
        ("client_metadata", Labels),
        ("max_output_tokens", Number),
        ("max_tool_calls", Number),
        ("temperature", Number),
        ("top_p", Number),
        ("top_logprobs", Number),
        ("truncation", OneOf("auto", "disabled")));

    private static readonly RequestShape s_chatParts = Each(Tagged(
        "type",
        null,
        ("text", Object(("text", Text), ("cache_control", Labels))),
        ("refusal", Object(("refusal", Text))),
        ("image_url", Object(("image_url", Object(("url", DataUrl), ("detail", Text))))),
        ("input_audio", Object(("input_audio", Object(("data", Media), ("format", Text))))),
        ("file", Object(("file", Object(("file_data", Media), ("filename", Text), ("file_id", Nothing)))))));

    private static readonly RequestShape s_chatText = Either(Text, s_chatParts);
    private static readonly RequestShape s_legacyCall = Object(("name", Text), ("arguments", Text));

    public static ObjectShape Chat { get; } = Object(
        ("model", Text),
        ("messages", Each(Object(
            ("role", OneOf("user", "assistant", "system", "developer", "tool", "function")),
            ("content", s_chatText),
            ("name", Text),
            ("refusal", Text),
            ("reasoning_content", Text),
            ("audio", Nothing),
            ("tool_call_id", Text),
            ("cache_control", Labels),
            ("function_call", s_legacyCall),
            ("tool_calls", Each(Tagged(
                "type",
                "function",
                ("function", Object(("id", Text), ("index", Number), ("function", s_legacyCall))),
                ("custom", Object(("id", Text), ("index", Number), ("custom", Object(("name", Text), ("input", Text))))))))))),
        ("tools", Each(Tagged(
            "type",
            null,
            ("function", Object(("function", s_function), ("cache_control", Labels))),
            ("custom", Object(("custom", Object(
                ("name", Text),
                ("description", Text),
                ("format", Tagged("type", null, ("text", Object()),
                    ("grammar", Object(("grammar", Object(("syntax", Text), ("definition", Text)))))))))))))),
        ("tool_choice", Either(
            OneOf("auto", "none", "required"),
            Tagged("type", null, ("function", Object(("function", Object(("name", Text))))),
                ("custom", Object(("custom", Object(("name", Text)))))))),
        ("functions", Each(s_function)),
        ("function_call", Either(OneOf("auto", "none"), Object(("name", Text)))),
        ("parallel_tool_calls", Flag),
        ("stream", Flag),
        ("stream_options", Object(("include_usage", Flag), ("include_obfuscation", Flag))),
        ("max_tokens", Number),
        ("max_completion_tokens", Number),
        ("n", Number),
        ("temperature", Number),
        ("top_p", Number),
        ("presence_penalty", Number),
        ("frequency_penalty", Number),
        ("logit_bias", Labels),
        ("logprobs", Flag),
        ("top_logprobs", Number),
        ("seed", Number),
        ("stop", Either(Text, Each(Text))),
        ("response_format", Tagged(
            "type",
            null,
            ("text", Object()),
            ("json_object", Object()),
            ("json_schema", Object(("json_schema", Object(("name", Text), ("description", Text), ("schema", Schema), ("strict", Flag))))))),
        ("prediction", Tagged("type", null, ("content", Object(("content", s_chatText))))),
        ("modalities", Each(OneOf("text"))),
        ("reasoning_effort", Text),
        ("verbosity", Text),
        ("store", Off),
        ("service_tier", s_tier),
        ("prompt_cache_key", Text),
        ("prompt_cache_retention", Text),
        ("safety_identifier", Text),
        ("user", Text),
        ("metadata", Labels));
}

using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Notifications;

/// <summary>What notifications say. Pure.</summary>
internal static class Notices
{
    public static PushKind KindOf(ApprovalKind kind) => kind switch
    {
        ApprovalKind.Question => PushKind.Question,
        ApprovalKind.Plan => PushKind.Plan,
        ApprovalKind.Tool => PushKind.McpRequest,
        _ => PushKind.Permission,
    };

    public static string TagOf(ApprovalInfo approval) => $"approval/{approval.ApprovalId}";

    /// <summary>A topic for the push service, which learns nothing from it.</summary>
    public static string TopicOf(string machineId, string tag)
        => Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes($"{machineId}\n{tag}")))[..32];

    /// <param name="decides">The device may decide.</param>
    public static PushNotice Waits(PushNotice start, ApprovalInfo approval, bool details, bool decides)
    {
        var whole = details && decides && IsWhole(approval);
        return start with
        {
            Kind = KindOf(approval.Kind) switch
            {
                PushKind.Question => PushNoticeKind.Question,
                PushKind.Plan => PushNoticeKind.Plan,
                PushKind.McpRequest => PushNoticeKind.McpRequest,
                _ => PushNoticeKind.Permission,
            },
            Tag = TagOf(approval),
            ApprovalId = approval.ApprovalId,
            AgentSessionId = approval.AgentSessionId,
            Digest = approval.Digest,
            Tier = approval.Risk?.Tier,
            Sandbox = approval.Sandbox,
            What = details ? Line(What(approval), PushLimits.WhatLength) : null,
            Whole = whole,
            Folder = whole ? ((CommandSubject)approval.Subject).Cwd : null,
            Denies = decides && approval.Kind is not (ApprovalKind.Question or ApprovalKind.Plan),
            ExpiresAt = approval.ExpiresAt,
        };
    }

    public static PushNotice Settled(PushNotice start, ApprovalInfo approval) => start with
    {
        Kind = PushNoticeKind.Settled,
        Tag = TagOf(approval),
        ApprovalId = approval.ApprovalId,
        AgentSessionId = approval.AgentSessionId,
        Outcome = approval.State switch
        {
            ApprovalState.Denied => "denied",
            ApprovalState.Allowed or ApprovalState.Running or ApprovalState.Finished => "allowed",
            _ => "over",
        },
    };

    /// <summary>
    /// Whether the line is all that is decided on, and one tap may allow it: a command that was understood whole, that at most writes in
    /// the project, is short, of plain characters, and has nothing beside it.
    /// </summary>
    public static bool IsWhole(ApprovalInfo approval)
        => approval is { Kind: ApprovalKind.Command, Risk: { Understood: true, Tier: RiskTier.Read or RiskTier.WorkspaceWrite } }
            && approval.Subject is CommandSubject { Stdin: null, Background: false, Scripts: null or [] } command
            && IsPlain(command.Command, PushLimits.WhatLength) && IsPlain(command.Cwd, PushLimits.FolderLength);

    /// <summary>One line, cut where it is too long; what can't be seen is a question mark.</summary>
    public static string Line(string text, int length)
    {
        var line = new StringBuilder();
        foreach (var rune in text.Trim().EnumerateRunes())
        {
            if (line.Length >= length - 2)
            {
                return line.Append('…').ToString();
            }

            line.Append(Rune.IsControl(rune) || Rune.GetUnicodeCategory(rune) is System.Globalization.UnicodeCategory.Format
                or System.Globalization.UnicodeCategory.LineSeparator or System.Globalization.UnicodeCategory.ParagraphSeparator
                or System.Globalization.UnicodeCategory.OtherNotAssigned ? (rune.Value is '\n' or '\t' ? " " : "?") : rune.ToString());
        }

        return line.ToString();
    }

    public static byte[] Bytes(PushNotice notice) => JsonSerializer.SerializeToUtf8Bytes(notice, ProtocolJson.Default.PushNotice);

    private static bool IsPlain(string text, int length)
        => text.Length > 0 && text.Length <= length - 2 && text.All(c => c is >= ' ' and <= '~') && text.Trim() == text
            && !text.Contains("   ", StringComparison.Ordinal);

    private static string What(ApprovalInfo approval) => approval.Subject switch
    {
        CommandSubject command => command.Command,
        EditSubject edit => edit.Path,
        ToolSubject tool => tool.Tool,
        JobInputSubject input => $"{input.Job}: {input.Text}",
        QuestionSubject question => question.Questions is [var first, ..] ? first.Text : "",
        NetworkSubject host => $"{host.Host}:{host.Port}",
        FileSubject file => file.Path,
        GitSubject git => git.Url,
        _ => "",
    };
}

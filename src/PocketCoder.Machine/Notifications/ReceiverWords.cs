using PocketCoder.Protocol;
using PocketCoder.Push;

namespace PocketCoder.Machine.Notifications;

/// <summary>A notice in words, for receivers that show them as they come. Pure.</summary>
internal static class ReceiverWords
{
    /// <param name="app">Where the app is to be found; null: nowhere that a phone could reach.</param>
    public static PushText Of(PushNotice notice, Uri? app)
    {
        string?[] names = [notice.Session, notice.Project, notice.Machine];
        string[] lines =
        [
            notice.What ?? "",
            string.Join(" · ", names.Where(n => !string.IsNullOrEmpty(n))),
            Others(notice) is var others and > 0 ? $"{others} more waiting" : "",
        ];
        var path = notice.ApprovalId is { } approval ? $"approvals/{approval}"
            : notice.AgentSessionId is { } session ? $"sessions/{session}" : "";
        return new PushText(
            Title(notice), string.Join('\n', lines.Where(l => l.Length > 0)),
            app is null ? null : new Uri(app, $"/m/{notice.MachineId}/{path}"));
    }

    private static int Others(PushNotice notice) => notice.Kind switch
    {
        PushNoticeKind.Permission or PushNoticeKind.McpRequest or PushNoticeKind.Question or PushNoticeKind.Plan => notice.Waiting - 1,
        PushNoticeKind.TaskComplete or PushNoticeKind.TaskError or PushNoticeKind.Settled => notice.Waiting,
        _ => 0,
    };

    private static string Title(PushNotice notice) => notice.Kind switch
    {
        PushNoticeKind.Permission => "Approval needed",
        PushNoticeKind.McpRequest => "Approval needed for a tool",
        PushNoticeKind.Question => "Question",
        PushNoticeKind.Plan => "Plan to review",
        PushNoticeKind.TaskComplete => "Finished",
        PushNoticeKind.TaskError => "Failed",
        PushNoticeKind.Digest => $"{notice.Waiting} waiting for you",
        PushNoticeKind.Settled => notice.Outcome switch { "denied" => "Denied", "allowed" => "Allowed", _ => "No longer waiting" },
        _ => "Test",
    };
}

using System.Buffers;
using System.Security.Cryptography;
using PocketCoder.Entry;
using PocketCoder.Feishu.Api;
using PocketCoder.Feishu.Bot.Keeping;
using PocketCoder.Feishu.Bot.People;
using PocketCoder.Feishu.Bot.Sending;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.Talking;

/// <summary>
/// Files and images of messages. They become attachments of the machine; those that come without words wait for the person's next prompt in
/// the same group. On their way they lie in a folder that only this user may read.
/// </summary>
internal sealed class FileActions(CardSender sender, BotNotes notes)
{
    private const int LongestName = 100;

    /// <summary>Fetches a message's files.</summary>
    /// <returns>The attachments that they are now.</returns>
    /// <exception cref="EntryRefusal">The machine takes one of them not.</exception>
    /// <exception cref="NotDone">One is too long.</exception>
    public async Task<IReadOnlyList<Guid>> FetchAsync(
        Person person, InboxItem item, IReadOnlyList<FileItem> files, CancellationToken cancellationToken)
    {
        var fetched = new List<Guid>();
        var folder = Directory.CreateTempSubdirectory("pocketcoder-feishu-");
        try
        {
            foreach (var (file, index) in files.Take(AttachmentLimits.PerPrompt).Select((f, i) => (f, i)))
            {
                var path = Path.Combine(folder.FullName, $"{index}");
                await DownloadAsync(item.Message!.MessageId, file, path, cancellationToken);
                var id = EventIds.Of(item, $"file {index}");
                await UploadAsync(person, id, NameOf(file, index), path, cancellationToken);
                fetched.Add(id);
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }

        return fetched;
    }

    /// <summary>Lets attachments wait for the person's next prompt in the chat.</summary>
    public async Task WaitAsync(InboxItem item, IReadOnlyList<Guid> files, CancellationToken cancellationToken)
    {
        var waiting = await WaitingAsync(item, cancellationToken);
        var all = waiting.Union(files).TakeLast(AttachmentLimits.PerPrompt).ToList();
        await notes.SetAsync(Note.Files, Key(item), new FilesNote(all), cancellationToken);
    }

    /// <summary>Those that wait.</summary>
    public async Task<IReadOnlyList<Guid>> WaitingAsync(InboxItem item, CancellationToken cancellationToken)
        => (await notes.FindAsync(Note.Files, Key(item), cancellationToken))?.Attachments ?? [];

    /// <summary>They went with a prompt.</summary>
    public Task WentAsync(InboxItem item, CancellationToken cancellationToken) => notes.TakeAsync(Note.Files, Key(item), cancellationToken);

    private static string Key(InboxItem item) => EventIds.Uuid($"{item.Chat}\n{item.Account}", "files");

    /// <summary>A name that the machine takes: what the sender's computer called it is only text.</summary>
    private static string NameOf(FileItem file, int index)
    {
        var name = new string([.. file.Name.Where(c => !char.IsControl(c) && c is not ('/' or '\\')).Take(LongestName)]).Trim(' ', '.');
        return name.Length > 0 && name.All(c => !char.IsSurrogate(c)) ? name : file.IsImage ? $"image-{index + 1}" : $"file-{index + 1}";
    }

    private async Task DownloadAsync(string message, FileItem file, string path, CancellationToken cancellationToken)
    {
        try
        {
            await sender.Client.DownloadAsync(
                message, file.Key, file.IsImage ? FeishuResource.Image : FeishuResource.File, path, AttachmentLimits.FileBytes,
                cancellationToken);
        }
        catch (FeishuException e) when (e.Error == FeishuError.TooLarge)
        {
            throw new NotDone(sender.Say(BotWord.FileTooLong, AttachmentLimits.FileBytes / (1024 * 1024)));
        }
    }

    private static async Task UploadAsync(Person person, Guid id, string name, string path, CancellationToken cancellationToken)
    {
        await using var file = File.OpenRead(path);
        var digest = Convert.ToHexStringLower(await SHA256.HashDataAsync(file, cancellationToken));
        var begun = await person.AskAsync(
            DeviceVerbs.AttachmentBegin, new AttachmentBeginRequest(id, name, file.Length, digest), cancellationToken);
        var piece = ArrayPool<byte>.Shared.Rent(AttachmentLimits.ChunkBytes);
        var whole = piece.AsMemory(0, AttachmentLimits.ChunkBytes);
        try
        {
            file.Position = begun.Offset;
            while (begun.Attachment is null
                && await file.ReadAtLeastAsync(whole, whole.Length, throwOnEndOfStream: false, cancellationToken) is var read and > 0)
            {
                await person.AskAsync(
                    DeviceVerbs.AttachmentChunk,
                    new AttachmentChunkRequest(id, file.Position - read, Convert.ToBase64String(piece, 0, read)), cancellationToken);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }

        await (begun.Attachment is null
            ? person.AskAsync(DeviceVerbs.AttachmentEnd, new AttachmentEndRequest(id), cancellationToken) : Task.CompletedTask);
    }
}

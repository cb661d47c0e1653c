using System.Text.Json.Nodes;
using PocketCoder.Testing;
using PocketCoder.Testing.Feishu;

namespace PocketCoder.EndToEnd.Tests;

/// <summary>
/// Feishu's cards, as they were agreed, drawn by Chromium at a phone's width. All pictures go to <c>artifacts/screens</c>; those that are
/// shown in the documents are written anew with POCKETCODER_WRITE_PICTURES=1.
/// </summary>
[Trait("Category", "Slow")]
public sealed class CardPictureTests(Browser browser) : IClassFixture<Browser>
{
    private const string Folder = "docs/images/feishu";
    private const int MostBytes = 600_000;

    /// <summary>To write them the fonts of phones must be there: Debian's fonts-roboto-unhinted and fonts-noto-cjk.</summary>
    private static readonly string[] s_shown =
    [
        "home", "new_project", "manage_delete", "workspace", "folder_browse", "agent", "session", "composer", "turn_running", "turn_complete",
        "turn_failed", "turn_queued", "approval_command", "approval_diff", "approval_destructive", "approval_allowed", "help", "error",
        "turn_running.zh", "approval_command.zh",
    ];

    [Fact]
    public async Task Every_agreed_card_fits_a_phone()
    {
        var isWritten = Environment.GetEnvironmentVariable("POCKETCODER_WRITE_PICTURES") == "1";
        await using var phone = await browser.PhoneAsync(scale: 2);
        var names = new List<string>();
        foreach (var file in Directory.GetFiles(Repository.PathOf("tests/PocketCoder.Feishu.Tests/Cards/Agreed"), "*.json").Order())
        {
            var name = Path.GetFileNameWithoutExtension(file);
            await phone.Page.SetContentAsync(CardDrawing.Html(await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken)));
            Assert.Equal(CardDrawing.Width, await phone.Page.EvaluateAsync<int>("document.documentElement.scrollWidth"));
            Assert.Equal(CardDrawing.Width - 24, (await phone.Page.Locator(".card").BoundingBoxAsync())!.Width);
            var picture = IndexedPng.From(await phone.Page.Locator("body").ScreenshotAsync());
            await WriteAsync("artifacts/screens", $"feishu-{name}", picture);
            if (isWritten && s_shown.Contains(name))
            {
                await WriteAsync(Folder, name, picture);
            }

            names.Add(name);
        }

        Assert.Empty(phone.Complaints);
        Assert.Empty(s_shown.Except(names));
    }

    [Fact]
    public async Task A_hostile_card_is_drawn_as_text()
    {
        await using var phone = await browser.PhoneAsync();
        var dialogs = 0;
        phone.Page.Dialog += (_, dialog) =>
        {
            dialogs++;
            _ = dialog.DismissAsync();
        };
        const string Hostile = "</div></style><script>alert(1)</script><img src=x onerror=alert(2)>&lt;b&gt;\"'><iframe srcdoc='x'></iframe>";
        var card = new JsonObject
        {
            ["header"] = new JsonObject { ["title"] = Plain("title"), ["template"] = "red" },
            ["body"] = new JsonObject
            {
                ["elements"] = new JsonArray(
                    new JsonObject { ["tag"] = "div", ["text"] = Plain(Hostile) },
                    new JsonObject { ["tag"] = "markdown", ["content"] = $"```\n{Hostile}\n```\n{Hostile}" }),
            },
        };
        await phone.Page.SetContentAsync(CardDrawing.Html(card.ToJsonString()));
        Assert.Equal(Hostile, await phone.Page.Locator(".line").TextContentAsync());
        Assert.Equal(Hostile + "\n", await phone.Page.Locator(".code").TextContentAsync());
        Assert.Equal(Hostile, await phone.Page.Locator(".text").TextContentAsync());
        Assert.Equal(0, await phone.Page.Locator("script, img, iframe, b").CountAsync());
        Assert.Equal(0, dialogs);
    }

    [Fact]
    public void The_pictures_of_the_documents_are_there_and_small()
    {
        var files = Directory.GetFiles(Repository.PathOf(Folder), "*.png");
        var names = files.Select(f => Path.GetFileNameWithoutExtension(f)!);
        Assert.Equal(s_shown.Order(StringComparer.Ordinal), names.Order(StringComparer.Ordinal));
        Assert.InRange(files.Sum(f => new FileInfo(f).Length), 1, MostBytes);
        Assert.All(files, f => Assert.Equal(CardDrawing.Width * 2, IndexedPng.Pixels(File.ReadAllBytes(f)).Width));
    }

    private static JsonObject Plain(string text) => new() { ["tag"] = "plain_text", ["content"] = text };

    private static async Task WriteAsync(string folder, string name, byte[] picture)
    {
        var path = Path.Combine(Directory.CreateDirectory(Repository.PathOf(folder)).FullName, name + ".png");
        await File.WriteAllBytesAsync(path, picture, TestContext.Current.CancellationToken);
    }
}

using Microsoft.Playwright;
using PocketCoder.Testing;

namespace PocketCoder.EndToEnd.Tests;

/// <summary>Debian's Chromium, as a phone. Pictures go to <c>artifacts/screens</c>.</summary>
public sealed class Browser : IAsyncLifetime
{
    private static readonly string[] s_programs = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

    /// <summary>The system's Chromium.</summary>
    public static string Program => s_programs.FirstOrDefault(File.Exists)
        ?? throw new InvalidOperationException("Chromium is missing: apt-get install chromium");

    /// <summary>What starts it, with its options.</summary>
    public string Starter { get; init; } = Program;

    private IPlaywright _playwright = null!;
    private IBrowser _browser = null!;

    public async ValueTask InitializeAsync()
    {
        Assertions.SetDefaultExpectTimeout((float)Wait.Limit.TotalMilliseconds);
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = Starter,
            Args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
                "--disable-component-update", "--disable-sync"],
        });
    }

    public async ValueTask DisposeAsync()
    {
        await _browser.DisposeAsync();
        _playwright.Dispose();
    }

    /// <summary>A fresh phone: nothing stored, 390 × 844.</summary>
    /// <param name="scale">Dots of its pictures to a CSS pixel.</param>
    public async Task<BrowserPhone> PhoneAsync(bool ignoreCertificate = false, float scale = 1)
    {
        var context = await _browser.NewContextAsync(new BrowserNewContextOptions
        {
            ViewportSize = new ViewportSize { Width = 390, Height = 844 },
            DeviceScaleFactor = scale,
            IsMobile = true,
            HasTouch = true,
            ReducedMotion = ReducedMotion.Reduce,
            ColorScheme = ColorScheme.Dark,
            IgnoreHTTPSErrors = ignoreCertificate,
        });
        context.SetDefaultTimeout((float)Wait.Limit.TotalMilliseconds);
        return new BrowserPhone(context, await context.NewPageAsync());
    }
}

/// <summary>One phone's browser with the app open in it, and everything the page complained about.</summary>
public sealed class BrowserPhone : IAsyncDisposable
{
    private readonly IBrowserContext _context;

    internal BrowserPhone(IBrowserContext context, IPage page)
    {
        (_context, Page) = (context, page);
        Listen(page);
    }

    public IPage Page { get; private set; }

    /// <summary>All of this phone's browser: its pages, workers and permissions.</summary>
    public IBrowserContext Context => _context;

    /// <summary>Errors of the console, uncaught exceptions, refused resources.</summary>
    public List<string> Complaints { get; } = [];

    public ILocator Id(string testId) => Page.GetByTestId(testId);

    public Task PictureAsync(string name)
    {
        var folder = Directory.CreateDirectory(Repository.PathOf("artifacts/screens"));
        return Page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(folder.FullName, name + ".png") });
    }

    /// <summary>Closes the tab and opens the app anew, as after the browser was killed.</summary>
    public async Task ReopenAsync()
    {
        var url = Page.Url;
        await Page.CloseAsync();
        Page = await _context.NewPageAsync();
        Listen(Page);
        await Page.GotoAsync(url);
    }

    public Task SetOfflineAsync(bool offline) => _context.SetOfflineAsync(offline);

    public async ValueTask DisposeAsync() => await _context.DisposeAsync();

    private void Listen(IPage page)
    {
        page.Console += (_, message) =>
        {
            if (message.Type == "error")
            {
                Complaints.Add($"{message.Text} {message.Location}");
            }
        };
        page.PageError += (_, error) => Complaints.Add(error);
    }
}

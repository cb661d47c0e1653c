using System.Text.RegularExpressions;
using PocketCoder.Risks.Words;

namespace PocketCoder.Risks.Programs;

/// <summary>Programs that talk to other machines.</summary>
internal static partial class Network
{
    public static void AddTo(Dictionary<string, ProgramEntry> programs)
    {
        programs.Add("curl", Curl, Traits.OwnCheck);
        programs.Add("wget", Wget, Traits.OwnCheck);
        programs.Add("ssh autossh mosh", Ssh, Traits.OwnCheck);
        programs.Add("scp sftp", Copy);
        programs.Add("nc ncat netcat socat telnet openssl_s_client", Raw, Traits.OwnCheck);
        programs.Add("ping ping6 traceroute tracepath mtr dig host nslookup whois", Ask, Traits.OwnCheck);
        programs.Add("http https httpie xh aria2c lynx w3m links ftp lftp rclone s3cmd mail mailx sendmail mutt", Other, Traits.OwnCheck);
        programs.Add("ssh-keygen ssh-add ssh-copy-id ssh-agent gpg gpg2 openssl age pass",
            static call => call.Report.Unknown(call.Name, $"Works with keys: {call.Shown}", ConsequenceKind.ReadsSecret));
        programs.Add("ss netstat", static call =>
        {
            if (call.Name == "ss" && call.Has("-K", "--kill", "-D", "--diag", "-F", "--filter"))
            {
                call.System($"Cuts connections or writes a file: {call.Shown}");
            }
        });
        programs.Add("ip ifconfig route", static call =>
        {
            if (call.Args.Any(a => a.Text is "add" or "del" or "set" or "flush" or "change" or "replace" or "up" or "down" or "netns"
                or "exec" || a.Text.StartsWith("-b", StringComparison.Ordinal)))
            {
                call.System($"Changes the network: {call.Shown}");
            }
        });
        programs.Add("iptables ip6tables nft ufw firewall-cmd tc tcpdump wireshark tshark nmap",
            static call => call.System($"Changes or watches the network: {call.Shown}"));
    }

    /// <summary><c>/dev/tcp/host/port</c> in a redirection is a connection.</summary>
    public static string? OfDevice(string path)
    {
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        return path.StartsWith('/') && parts.Length >= 2 && parts[0] == "dev" && parts[1] is "tcp" or "udp"
            ? parts.Length >= 4 ? $"{parts[2]}:{parts[3]}" : "an incomplete address"
            : null;
    }

    /// <summary>The host of a URL or of <c>user@host:path</c>; null when there is none.</summary>
    public static string? HostOf(string address)
    {
        var scheme = address.IndexOf("://", StringComparison.Ordinal);
        if (scheme >= 0)
        {
            // By hand: curl, git and .NET differ about odd URLs, and what is odd should stay visible.
            var rest = address[(scheme + 3)..];
            var end = rest.AsSpan().IndexOfAny("/?#\\");
            var authority = end < 0 ? rest : rest[..end];
            var host = authority[(authority.LastIndexOf('@') + 1)..];
            return host.Length == 0 ? address : host;
        }

        var colon = address.IndexOf(':', StringComparison.Ordinal);
        if (colon > 0 && !address[..colon].Contains('/', StringComparison.Ordinal))
        {
            return address[(address[..colon].LastIndexOf('@') + 1)..colon];
        }

        return null;
    }

    private static string HostOrText(string address) => HostOf(address)
        ?? (address.IndexOf('/', StringComparison.Ordinal) is var slash and > 0 ? address[..slash] : address);

    private static readonly string[] s_curlValued =
    [
        "--header", "--data", "--data-raw", "--data-binary", "--data-ascii", "--data-urlencode", "--form", "--form-string", "--json",
        "--request", "--user-agent", "--referer", "--user", "--cookie", "--cookie-jar", "--output", "--output-dir", "--upload-file",
        "--max-time", "--connect-timeout",
        "--retry", "--retry-delay", "--retry-max-time", "--proxy", "--config", "--write-out", "--cacert", "--capath", "--cert", "--key",
        "--resolve", "--connect-to", "--dump-header", "--range", "--interface", "--limit-rate", "--max-redirs", "--url", "--netrc-file",
        "--unix-socket", "--abstract-unix-socket",
        "--trace", "--trace-ascii", "--stderr", "--time-cond", "--etag-save", "--etag-compare", "--proxy-user", "--socks5",
        "--socks5-hostname", "--dns-servers", "--doh-url", "--oauth2-bearer", "--aws-sigv4", "--quote", "--libcurl", "--ciphers",
        "--max-filesize", "--noproxy", "--request-target", "--hsts", "--alt-svc", "--variable", "--expand-url",
    ];

    /// <summary>Short options that write, send, or change whom curl talks to.</summary>
    private static readonly System.Buffers.SearchValues<char> s_curlLetters = System.Buffers.SearchValues.Create("oTdFKxDcEQ");

    private static void Curl(Invocation call)
    {
        var bodies = new List<Arg>();
        var operands = call.Operands("AbcCdDeEFHKmoPQrtTuUwxXyYz", s_curlValued);
        ProgramTable.CheckArguments(call, anyOptions: false);
        foreach (var url in operands.Concat(
            call.Values("", "--url").Where(_ => call.Args.Any(a => a.Text.StartsWith("--url", StringComparison.Ordinal)))))
        {
            if (url.Text.StartsWith("file:", StringComparison.OrdinalIgnoreCase))
            {
                call.Reads(url with { Text = "/" + url.Text[5..].TrimStart('/') });
                continue;
            }

            call.Reaches(url.Known ? HostOrText(url.Text) : url.Text, "HTTP");
            if (url.Text.AsSpan().ContainsAny("{}[]"))
            {
                call.Unknown($"curl makes several addresses from {url.Text}");
            }
        }

        for (var i = 0; i < call.Args.Count; i++)
        {
            var text = call.Args[i].Text;
            var value = i + 1 < call.Args.Count ? call.Args[i + 1] : null;
            if (text is "-o" or "--output" or "-c" or "--cookie-jar" or "-D" or "--dump-header" or "--trace" or "--trace-ascii"
                or "--stderr" or "--libcurl" or "--hsts" or "--alt-svc" or "--etag-save" or "--output-dir")
            {
                if (value is { Text: not "-" })
                {
                    call.Writes(value);
                }
            }
            else if (text is "-H" or "--header" && value is { Text: ['@', ..] }
                || (text is "-b" or "--cookie" && value is { Text: var cookie } && !cookie.Contains('=', StringComparison.Ordinal)))
            {
                bodies.Add(value with { Text = "@" + value.Text.TrimStart('@') });
            }
            else if (IsUpload(text))
            {
                bodies.Add(value ?? new Arg("", Known: false));
            }
            else if (text is "-K" or "--config" or "--unix-socket" or "--abstract-unix-socket" or "-x" or "--proxy" or "--resolve"
                or "--connect-to" or "--netrc" or "-n" or "--netrc-file" or "-E" or "--cert" or "--key" or "--doh-url" or "--variable"
                or "-Q" or "--quote" || text.StartsWith("--expand", StringComparison.Ordinal))
            {
                call.Unknown($"An option of curl changes the host or the identity: {text}");
            }
            else if (text.StartsWith("--", StringComparison.Ordinal) && !s_curlValued.Contains(text.Split('=')[0], StringComparer.Ordinal)
                && IsAbbreviated(text))
            {
                call.Unknown($"An abbreviated option of curl: {text}");
            }
            else if (text.Length > 2 && text[0] == '-' && text[1] != '-' && text.AsSpan(1).ContainsAny(s_curlLetters))
            {
                Bundled(call, text, value, bodies);
            }
            else if (text is "-O" or "--remote-name" or "-J" or "--remote-header-name" or "--remote-name-all"
                || (text is ['-', not '-', ..] && text.Contains('O', StringComparison.Ordinal)))
            {
                call.Writes(new Arg("."));
            }
        }

        foreach (var body in bodies)
        {
            Uploads(call, body);
        }
    }

    private static void Bundled(Invocation call, string text, Arg? next, List<Arg> bodies)
    {
        var at = text.AsSpan().IndexOfAny(s_curlLetters);
        var value = at + 1 < text.Length ? new Arg(text[(at + 1)..]) : next ?? new Arg("", Known: false);
        switch (text[at])
        {
            case 'o' or 'D' or 'c':
                call.Writes(value);
                break;
            case 'T' or 'd' or 'F':
                bodies.Add(value);
                break;
            default:
                call.Unknown($"An option of curl changes the host or the identity: {text}");
                break;
        }
    }

    private static bool IsUpload(string text) => text is "-d" or "-F" or "-T" or "--form" or "--form-string" or "--upload-file" or "--json"
        || text.StartsWith("--data", StringComparison.Ordinal);

    private static bool IsAbbreviated(string text)
        => s_curlValued.Any(o => o.StartsWith(text.Split('=')[0], StringComparison.Ordinal)) && text.Length > 3;

    private static void Uploads(Invocation call, Arg body)
    {
        call.Report.CannotBeUndone();
        call.Report.Add(ConsequenceKind.ReachesHost, "upload", "Sends data.", RiskTier.ReachesOut);
        var at = body.Text.IndexOf('@', StringComparison.Ordinal);
        var less = body.Text.IndexOf("=<", StringComparison.Ordinal);
        if (at == 0 || (at > 0 && (body.Text[at - 1] == '=' || call.Has("--data-urlencode"))) || less > 0)
        {
            var file = less > 0 ? body.Text[(less + 2)..] : body.Text[(at + 1)..];
            if (file != "-")
            {
                call.Reads(body with { Text = file.Split(';')[0] });
                call.Report.Add(ConsequenceKind.ReachesHost, "upload of " + file, $"Uploads the file {file}.", RiskTier.ReachesOut);
            }
        }
        else if (call.Args.Any(a => a.Text is "-T" or "--upload-file"))
        {
            call.Reads(body);
        }
    }

    private static void Wget(Invocation call)
    {
        ProgramTable.CheckArguments(call, anyOptions: false);
        foreach (var url in call.Operands("OPoaeTtwQUlADIXRiBS_", "--output-document", "--directory-prefix", "--header", "--user-agent",
            "--post-data", "--timeout", "--tries"))
        {
            call.Reaches(HostOrText(url.Text), "HTTP");
        }

        if (call.Has("--use-askpass", "--execute", "-e", "--config", "--input-file", "-i", "--load-cookies"))
        {
            call.Report.Unseen();
            call.Unknown($"An option of wget runs a program or changes the host: {call.Shown}");
        }

        if (call.Has("--post-file", "--post-data", "--body-file", "--body-data"))
        {
            call.Report.Add(ConsequenceKind.ReachesHost, "upload", "Sends data.", RiskTier.ReachesOut);
            call.Reads(call.Values("", "--post-file")
                .Where(_ => call.Args.Any(a => a.Text.StartsWith("--post-f", StringComparison.Ordinal))));
            call.Reads(call.Values("", "--body-file")
                .Where(_ => call.Args.Any(a => a.Text.StartsWith("--body-f", StringComparison.Ordinal))));
        }

        var output = call.Values("-O", "--output-document").Concat(call.Values("-P", "--directory-prefix").Where(_ => call.Args.Any(
            a => a.Text.StartsWith("-P", StringComparison.Ordinal) || a.Text.StartsWith("--directory", StringComparison.Ordinal))))
            .Where(v => v.Text != "-").ToList();
        if (output.Count > 0)
        {
            call.Writes(output);
        }
        else if (!call.Args.Any(a => a.Text is "-O-" or "-qO-" or "--spider"
            || (a.Text.StartsWith('-') && a.Text.EndsWith("O-", StringComparison.Ordinal)) || a.Text == "-"))
        {
            call.Writes(new Arg("."));
        }
    }

    private static void Ssh(Invocation call)
    {
        ProgramTable.CheckArguments(call, anyOptions: false);
        if (call.Has("-o", "-F", "-L", "-R", "-D", "-W", "-w", "-A", "-J", "-S", "-E", "-Q_"))
        {
            call.Report.Unseen();
            call.Unknown($"An option of ssh may run a program here or open access to this machine: {call.Shown}");
            foreach (var option in call.Values("-o", "--no-long-options").Where(v => v.Exact && Command().IsMatch(v.Text)))
            {
                call.Script(option with { Text = Command().Replace(option.Text, "") });
            }

        }

        var operands = new List<Arg>();
        for (var i = 0; i < call.Args.Count; i++)
        {
            var text = call.Args[i].Text;
            if (operands.Count == 0 && text.StartsWith('-'))
            {
                i += text.Length == 2 && "BbcDEeFIiJLlmOopQRSWw".Contains(text[1], StringComparison.Ordinal) ? 1 : 0;
                continue;
            }

            operands.Add(call.Args[i]);
        }

        if (operands.Count == 0)
        {
            return;
        }

        call.Reaches(operands[0].Text[(operands[0].Text.LastIndexOf('@') + 1)..], "ssh");
        call.Report.CannotBeUndone();
        if (operands.Count == 1)
        {
            call.RunsCode(call.Shown, "Opens a shell on another machine.");
            return;
        }

        call.Report.Unknown(call.Shown,
            $"Runs commands on another machine, outside these protections: {string.Join(' ', operands.Skip(1).Select(o => o.Text))}",
            ConsequenceKind.RunsCode, RiskTier.Destructive);
        call.Script(new Arg(string.Join(' ', operands.Skip(1).Select(o => o.Text)), Known: operands.All(o => o.Exact)));
    }

    /// <summary>Settings of ssh that are commands (ssh_config(5)).</summary>
    [GeneratedRegex("^(ProxyCommand|LocalCommand|KnownHostsCommand|RemoteCommand|Match exec)[ =]+",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Command();

    private static void Copy(Invocation call)
    {
        if (call.Has("-S", "-o", "-F", "-D", "-b", "-J"))
        {
            call.RunsUnseen(call.Name, $"An option of {call.Name} may run a program: {call.Shown}");
        }

        var operands = call.Operands("cFiJloPSDX");
        for (var i = 0; i < operands.Count; i++)
        {
            if (HostOf(operands[i].Text) is { } host)
            {
                call.Reaches(host, "copies files");
            }
            else if (i == operands.Count - 1 && operands.Count > 1)
            {
                call.Writes(operands[i]);
            }
            else if (call.Name == "sftp")
            {
                call.Reaches(operands[i].Text, "copies files");
            }
            else
            {
                call.Reads(operands[i], tree: call.Has("-r"));
            }
        }

        call.Report.CannotBeUndone();
        call.Report.Raise(RiskTier.ReachesOut);
    }

    public static void Rsync(Invocation call)
    {
        if (call.Has("-e", "--rsh", "--rsync-path", "--daemon", "--config"))
        {
            call.RunsUnseen("rsync", $"An option of rsync runs a program: {call.Shown}");
            foreach (var (shorter, longer) in ((string, string)[])[("-e", "--rsh"), ("", "--rsync-path")])
            {
                if (call.Has(longer) || (shorter.Length > 0 && call.Has(shorter)))
                {
                    call.Values(shorter, longer).Where(v => v.Exact).ToList().ForEach(call.Script);
                }
            }
        }

        var operands = call.Operands(
            "efTBM", "--exclude", "--include", "--filter", "--files-from", "--exclude-from", "--rsh", "--rsync-path");
        for (var i = 0; i < operands.Count; i++)
        {
            if (HostOf(operands[i].Text) is { } host)
            {
                call.Reaches(host, "copies files");
                call.Report.CannotBeUndone();
            }
            else if (i == operands.Count - 1 && i > 0)
            {
                call.Writes(operands[i]);
            }
            else
            {
                call.Reads(operands[i], tree: true);
                if (operands[i].Text.EndsWith('/') && HostOf(operands[^1].Text) is null)
                {
                    call.Report.Unknown(operands[i].Text,
                        "Copies a folder's contents with hidden files, possibly including settings and hooks.",
                        tier: RiskTier.WorkspaceWrite);
                }
            }
        }

        if (call.Has("--delete", "--delete-before", "--delete-after", "--delete-excluded", "--remove-source-files", "--del")
            && !call.Has("--dry-run", "-n"))
        {
            call.Deletes(call.Has("--remove-source-files") ? operands.SkipLast(1)
                : operands.TakeLast(1).Where(o => HostOf(o.Text) is null));
            call.Report.Raise(RiskTier.Destructive);
        }
    }

    private static void Raw(Invocation call)
    {
        var operands = call.Operands("pswqeciox");
        call.Reaches(operands.Count > 0 ? operands[0].Text : call.Shown, "a raw connection");
        call.Report.CannotBeUndone();
        call.Report.NotUnderstood(call.Shown, $"Opens a raw connection, which may start programs: {call.Shown}", tier: call.Has(
            "-e", "-c", "-l", "--exec", "--sh-exec", "--listen") || call.Name == "socat" ? RiskTier.Destructive : RiskTier.ReachesOut);
    }

    private static void Ask(Invocation call)
    {
        foreach (var arg in call.Operands("cWistpIQmwDTx"))
        {
            call.Reaches(arg.Text, call.Name); // also when only the name is asked for: data leaves in names
        }

        ProgramTable.CheckArguments(call, anyOptions: false);
        if (call.Args.Any(a => a.Text.StartsWith("-f", StringComparison.Ordinal)))
        {
            call.Unknown($"Reads its queries from a file, or floods: {call.Shown}");
        }
    }

    private static void Other(Invocation call)
    {
        call.Report.CannotBeUndone();
        call.Reaches(call.Operands().Select(o => HostOf(o.Text)).FirstOrDefault(h => h is not null) ?? call.Shown, call.Name);
        call.Unknown($"Talks to another machine in ways that are not analysed: {call.Shown}");
    }
}

using System.Globalization;
using System.Security;
using System.Text;

namespace PocketCoder.Cli.Autostarting;

/// <summary>What is started, and how.</summary>
/// <param name="Program">Absolute.</param>
/// <param name="Home">Absolute.</param>
/// <param name="SearchPath">Where the daemon finds the agents.</param>
internal sealed record AutostartSpec(string Program, string Home, string SearchPath)
{
    public AutostartService Service { get; init; } = AutostartService.Daemon;
}

/// <summary>The files that tell the three systems to start the daemon, or a gateway, with its user's session. Pure.</summary>
internal static class AutostartFiles
{
    /// <summary>
    /// A systemd user unit (systemd.service(5)). KillMode of the daemon is "process": it ends itself what must end with it, and what a person
    /// has open in a sandbox's terminal must outlive a restart; the usual modes would kill it. A gateway starts nothing.
    /// </summary>
    public static string Systemd(AutostartSpec spec) => $"""
        [Unit]
        Description={spec.Service.Title}
        After=network-online.target

        [Service]
        Environment={Unit($"PATH={spec.SearchPath}")}
        Environment={Unit($"POCKETCODER_HOME={spec.Home}")}
        ExecStart={Unit(spec.Program, exec: true)} {string.Join(' ', spec.Service.Arguments)}
        Restart=on-failure
        RestartSec=5
        {(spec.Service == AutostartService.Daemon ? "KillMode=process" : "NoNewPrivileges=yes")}
        TimeoutStopSec=20

        [Install]
        WantedBy=default.target

        """.ReplaceLineEndings("\n");

    /// <summary>A launchd agent (launchd.plist(5)).</summary>
    public static string Launchd(AutostartSpec spec) => $"""
        <?xml version="1.0" encoding="UTF-8"?>
        <!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
        <plist version="1.0">
        <dict>
            <key>Label</key>
            <string>{spec.Service.Agent}</string>
            <key>ProgramArguments</key>
            <array>
                <string>{Xml(spec.Program)}</string>
        {string.Join('\n', spec.Service.Arguments.Select(a => $"        <string>{a}</string>"))}
            </array>
            <key>EnvironmentVariables</key>
            <dict>
                <key>PATH</key>
                <string>{Xml(spec.SearchPath)}</string>
                <key>POCKETCODER_HOME</key>
                <string>{Xml(spec.Home)}</string>
            </dict>
            <key>RunAtLoad</key>
            <true/>
            <key>KeepAlive</key>
            <dict>
                <key>SuccessfulExit</key>
                <false/>
            </dict>
            <key>ExitTimeOut</key>
            <integer>20</integer>
            <key>AbandonProcessGroup</key>
            <true/>
            <key>StandardOutPath</key>
            <string>/dev/null</string>
            <key>StandardErrorPath</key>
            <string>{Xml(spec.Home)}/logs/{spec.Service.Out}</string>
        </dict>
        </plist>

        """.ReplaceLineEndings("\n");

    /// <summary>
    /// A task of the Windows Task Scheduler (its schema 1.2). The home is the user's usual one there: a task has no environment of its own.
    /// </summary>
    public static string Task(AutostartSpec spec, string user) => $"""
        <?xml version="1.0" encoding="UTF-16"?>
        <Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
          <RegistrationInfo>
            <Description>{spec.Service.Title}</Description>
          </RegistrationInfo>
          <Triggers>
            <LogonTrigger>
              <Enabled>true</Enabled>
              <UserId>{Xml(user)}</UserId>
            </LogonTrigger>
          </Triggers>
          <Principals>
            <Principal id="Author">
              <UserId>{Xml(user)}</UserId>
              <LogonType>InteractiveToken</LogonType>
              <RunLevel>LeastPrivilege</RunLevel>
            </Principal>
          </Principals>
          <Settings>
            <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
            <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
            <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
            <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
            <RestartOnFailure>
              <Interval>PT1M</Interval>
              <Count>3</Count>
            </RestartOnFailure>
          </Settings>
          <Actions Context="Author">
            <Exec>
              <Command>{Xml(spec.Program)}</Command>
              <Arguments>{string.Join(' ', spec.Service.Arguments)}</Arguments>
            </Exec>
          </Actions>
        </Task>

        """.ReplaceLineEndings("\r\n");

    /// <summary>
    /// One word of a unit (systemd.syntax(7)): quoted, with the percent sign doubled, and in a command line the dollar sign too.
    /// </summary>
    private static string Unit(string text, bool exec = false)
    {
        var word = new StringBuilder("\"");
        foreach (var c in text)
        {
            _ = c switch
            {
                '"' or '\\' => word.Append('\\').Append(c),
                '%' => word.Append("%%"),
                '$' when exec => word.Append("$$"),
                _ when char.IsControl(c) => word.Append(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}"),
                _ => word.Append(c),
            };
        }

        return word.Append('"').ToString();
    }

    private static string Xml(string text) => SecurityElement.Escape(text);
}

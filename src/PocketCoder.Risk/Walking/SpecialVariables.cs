namespace PocketCoder.Risks.Walking;

/// <summary>Variables that mean something to the shell or to programs.</summary>
internal static class SpecialVariables
{
    private static readonly HashSet<string> s_meaning = new(StringComparer.Ordinal)
    {
        "PATH", "IFS", "HOME", "PWD", "OLDPWD", "CDPATH", "ENV", "BASH_ENV", "SHELLOPTS", "BASHOPTS", "PS4", "PS0", "PS1", "PS2",
        "PROMPT_COMMAND", "GLOBIGNORE", "BASH_LOADABLES_PATH", "BASH_XTRACEFD", "BASH_COMPAT", "FUNCNEST",
        "EXECIGNORE", "POSIXLY_CORRECT", "TMPDIR", "SHELL", "EDITOR", "VISUAL", "PAGER", "MANPAGER", "MANOPT", "BROWSER", "LESS",
        "LESSOPEN", "LESSCLOSE", "LESSEDIT", "LESSSECURE", "MORE", "TERMCAP", "TERMINFO",
        "GCONV_PATH", "LOCPATH", "NLSPATH", "GLIBC_TUNABLES", "HOSTALIASES", "RES_OPTIONS", "LOCALDOMAIN", "MALLOC_TRACE", "TAR_OPTIONS",
        "TAPE", "GREP_OPTIONS", "RSYNC_RSH", "RSYNC_CONNECT_PROG", "CVS_RSH", "EXINIT", "VIMINIT",
        "NODE_OPTIONS", "NODE_PATH", "NODE_EXTRA_CA_CERTS", "RUBYOPT", "RUBYLIB", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS",
        "CLASSPATH", "MAVEN_OPTS", "GRADLE_OPTS", "MAKEFLAGS", "MFLAGS", "CC", "CXX", "LD", "AR", "RUSTC", "RUSTC_WRAPPER", "RUSTFLAGS",
        "GOFLAGS", "GOPROXY", "GONOSUMDB", "RIPGREP_CONFIG_PATH", "CURL_HOME", "WGETRC", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "OPENSSL_CONF",
        "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "KUBECONFIG", "DOCKER_HOST", "DOCKER_CONFIG",
        "SUDO_ASKPASS", "SSH_ASKPASS", "SSH_AUTH_SOCK", "SSH_ASKPASS_REQUIRE", "PYTHONSTARTUP", "PYTHONHOME", "PYTHONPATH", "PYTHONINSPECT",
        "PERL5OPT", "PERL5LIB", "PERL5DB", "LUA_INIT", "AWKPATH", "AWKLIBPATH", "FPATH", "ZDOTDIR", "HISTFILE", "INPUTRC", "MAIL",
        "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy", "no_proxy", "NO_PROXY", "ANTHROPIC_BASE_URL",
        "OPENAI_BASE_URL", "CODEX_HOME", "CLAUDE_CONFIG_DIR",
    };

    private static readonly string[] s_meaningPrefixes =
        ["LD_", "DYLD_", "GIT_", "BASH_FUNC_", "NPM_CONFIG_", "npm_config_", "PIP_", "UV_", "CARGO_", "DOTNET_STARTUP", "DOTNET_ROOT",
        "DOTNET_ADDITIONAL", "COR_", "CORECLR_", "PYTHON", "PERL", "OPENAI_", "ANTHROPIC_", "CLAUDE_", "AWS_"];

    private static readonly HashSet<string> s_harmless = new(StringComparer.Ordinal)
    {
        "CI", "DEBUG", "VERBOSE", "LANG", "LANGUAGE", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "TERM", "COLORTERM", "TZ",
        "COLUMNS", "LINES", "NODE_ENV", "RUST_BACKTRACE", "RUST_LOG", "DOTNET_NOLOGO", "DOTNET_CLI_TELEMETRY_OPTOUT",
        "DOTNET_CLI_UI_LANGUAGE", "ASPNETCORE_ENVIRONMENT", "DOTNET_ENVIRONMENT", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED",
        "PYTHONIOENCODING", "PYTHONUTF8", "PYTHONHASHSEED", "PYTHONWARNINGS_", "DEBIAN_FRONTEND", "LOG_LEVEL", "GOOS", "GOARCH",
        "CGO_ENABLED", "PORT", "HUSKY", "CARGO_TERM_COLOR", "TIMEFORMAT",
        "GIT_TERMINAL_PROMPT", "GIT_OPTIONAL_LOCKS", "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_AUTHOR_DATE", "GIT_COMMITTER_NAME",
        "GIT_COMMITTER_EMAIL", "GIT_COMMITTER_DATE", "GIT_MERGE_AUTOEDIT",
    };

    private static readonly HashSet<string> s_pagers = new(StringComparer.Ordinal)
        { "GIT_PAGER", "PAGER", "MANPAGER", "GIT_EDITOR", "EDITOR", "VISUAL", "GIT_SEQUENCE_EDITOR" };

    /// <summary>Set for a program (before it, or exported): may it go unnoticed?</summary>
    public static bool IsHarmless(string name, string? value)
        => s_harmless.Contains(name) || name.StartsWith("LC_", StringComparison.Ordinal)
            || (s_pagers.Contains(name) && value is "cat" or "true" or ":" or "");

    /// <summary>Changes what the shell or most programs do, also when it is only set.</summary>
    public static bool ChangesMeaning(string name, string? value)
        => !IsHarmless(name, value)
            && (s_meaning.Contains(name) || s_meaningPrefixes.Any(p => name.StartsWith(p, StringComparison.Ordinal)));

    /// <summary>The shell itself gives it its values.</summary>
    public static bool IsComputed(string name)
        => name is "_" or "RANDOM" or "SRANDOM" or "SECONDS" or "LINENO" or "REPLY" or "UID" or "EUID" or "PPID" or "GROUPS" or "DIRSTACK"
            or "FUNCNAME" or "OPTARG" or "OPTIND" or "OPTERR" or "HISTCMD" or "EPOCHSECONDS" or "EPOCHREALTIME" or "COMP_LINE"
            || name.StartsWith("BASH", StringComparison.Ordinal) || ChangesMeaning(name, null);
}

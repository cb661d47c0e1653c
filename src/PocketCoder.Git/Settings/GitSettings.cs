using System.Text;

namespace PocketCoder.Git;

/// <summary>One setting of a git configuration file.</summary>
/// <param name="Key">As git names it: section and variable in lower case, the subsection as written (<c>remote.origin.url</c>).</param>
/// <param name="Value">Unquoted; null: written without a value, which git reads as true.</param>
public readonly record struct GitSetting(string Key, string? Value);

/// <summary>
/// Reads a git configuration file as git does (config.c, git 2.39; git-config(1), <em>Syntax</em>), without following its includes. Bytes
/// as Latin-1. Pure.
/// </summary>
public static class GitSettings
{
    /// <summary>Its settings in order, or null where git would refuse to read it.</summary>
    public static IReadOnlyList<GitSetting>? Parse(ReadOnlySpan<byte> file)
    {
        ReadOnlySpan<byte> mark = [0xEF, 0xBB, 0xBF];
        if (file.StartsWith(mark))
        {
            file = file[mark.Length..];
        }

        return new Reader(Encoding.Latin1.GetString(file).Replace("\r\n", "\n", StringComparison.Ordinal)).Read();
    }

    private sealed class Reader(string text)
    {
        private int _at;

        private int Next() => _at < text.Length ? text[_at++] : End();

        private int Peek => _at < text.Length ? text[_at] : '\n';

        private int End()
        {
            _at++;
            return '\n'; // git reads the end of the file as the end of a line
        }

        public List<GitSetting>? Read()
        {
            var settings = new List<GitSetting>();
            var section = ""; // git takes settings before the first section too, by a name that nothing asks for
            while (_at < text.Length)
            {
                var c = Next();
                if (IsSpace(c))
                {
                    continue;
                }

                if (c is '#' or ';')
                {
                    SkipLine();
                }
                else if (c == '[')
                {
                    if (Section() is not { } name)
                    {
                        return null;
                    }

                    section = name + ".";
                }
                else if (!char.IsAsciiLetter((char)c) || Setting(section, (char)c) is not { } setting)
                {
                    return null;
                }
                else
                {
                    settings.Add(setting);
                }
            }

            return settings;
        }

        private void SkipLine()
        {
            while (Next() != '\n')
            {
            }
        }

        private string? Section()
        {
            var name = new StringBuilder();
            while (true)
            {
                var c = Next();
                if (c == ']')
                {
                    return name.ToString();
                }

                if (c is ' ' or '\t' or '\v' or '\f' or '\r')
                {
                    return Subsection(name);
                }

                if (c == '\n' || (!IsKey(c) && c != '.'))
                {
                    return null;
                }

                name.Append(char.ToLowerInvariant((char)c));
            }
        }

        private string? Subsection(StringBuilder name)
        {
            int c;
            do
            {
                c = Next();
                if (c == '\n')
                {
                    return null;
                }
            }
            while (IsSpace(c));

            if (c != '"')
            {
                return null;
            }

            name.Append('.');
            while (true)
            {
                c = Next();
                if (c == '\n')
                {
                    return null;
                }

                if (c == '"')
                {
                    return Next() == ']' ? name.ToString() : null;
                }

                if (c == '\\' && (c = Next()) == '\n')
                {
                    return null;
                }

                name.Append((char)c);
            }
        }

        private GitSetting? Setting(string section, char first)
        {
            var name = new StringBuilder().Append(char.ToLowerInvariant(first));
            while (_at < text.Length && IsKey(Peek))
            {
                name.Append(char.ToLowerInvariant((char)Next()));
            }

            var key = section + name;
            int c;
            do
            {
                c = Next();
            }
            while (c is ' ' or '\t');

            if (c == '\n')
            {
                return new GitSetting(key, null);
            }

            return c == '=' && Value() is { } value ? new GitSetting(key, value) : null;
        }

        private string? Value()
        {
            var value = new StringBuilder();
            var (quoted, comment, spaces) = (false, false, 0);
            while (true)
            {
                var c = Next();
                if (c == '\n')
                {
                    return quoted ? null : value.ToString();
                }

                if (comment)
                {
                    continue;
                }

                if (IsSpace(c) && !quoted)
                {
                    spaces += value.Length > 0 ? 1 : 0;
                    continue;
                }

                if (!quoted && (c is '#' or ';'))
                {
                    comment = true;
                    continue;
                }

                value.Append(' ', spaces);
                spaces = 0;
                if (c == '\\')
                {
                    switch (Next())
                    {
                        case '\n':
                            continue;
                        case 't':
                            value.Append('\t');
                            continue;
                        case 'b':
                            value.Append('\b');
                            continue;
                        case 'n':
                            value.Append('\n');
                            continue;
                        case '\\':
                            value.Append('\\');
                            continue;
                        case '"':
                            value.Append('"');
                            continue;
                        default:
                            return null;
                    }
                }

                if (c == '"')
                {
                    quoted = !quoted;
                    continue;
                }

                value.Append((char)c);
            }
        }

        private static bool IsSpace(int c) => c is ' ' or '\t' or '\n' or '\r' or '\v' or '\f';

        private static bool IsKey(int c) => c < 128 && (char.IsAsciiLetterOrDigit((char)c) || c == '-');
    }
}

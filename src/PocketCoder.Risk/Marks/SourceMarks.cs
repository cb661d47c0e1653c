using PocketCoder.Protocol;

namespace PocketCoder.Risks.Marks;

/// <summary>
/// Remembers, for each character of the command, what the parser took it for, and which words have been read as which arguments. Holds
/// positions in one text only: what is nested as text of its own (<c>sh -c</c>, backquotes, here-documents) is not told apart.
/// </summary>
/// <param name="length">UTF-16 units of the text.</param>
/// <param name="mostWords">How many words are remembered; what comes later is not marked for what it does.</param>
/// <param name="mostMarks">With more marks than these there are none.</param>
internal sealed class SourceMarks(int length, int mostWords, int mostMarks)
{
    private readonly MarkKind?[] _kinds = new MarkKind?[length];
    private readonly List<ReadWord> _words = [];

    /// <summary>Which words became which arguments, for as long as there is room: a loop reads the same word many times.</summary>
    public IReadOnlyList<ReadWord> Words => _words;

    /// <summary>Takes a part of the text for something; what stands there with a later kind stays.</summary>
    /// <param name="start">UTF-16 units from the beginning.</param>
    /// <param name="end">Behind the last one.</param>
    public void Paint(int start, int end, MarkKind kind)
    {
        for (var i = start; i < end; i++)
        {
            if (_kinds[i] is not { } known || known < kind)
            {
                _kinds[i] = kind;
            }
        }
    }

    public void Read(ReadWord word)
    {
        if (_words.Count < mostWords)
        {
            _words.Add(word);
        }
    }

    /// <summary>The parts of the text that are something, in their order; none when there are more than anybody could look at.</summary>
    public IReadOnlyList<CommandMark> ToMarks()
    {
        var marks = new List<CommandMark>();
        for (var start = 0; start < _kinds.Length;)
        {
            var end = start + 1;
            while (end < _kinds.Length && _kinds[end] == _kinds[start])
            {
                end++;
            }

            if (_kinds[start] is { } kind)
            {
                if (marks.Count == mostMarks)
                {
                    return [];
                }

                marks.Add(new CommandMark(kind, start, end - start));
            }

            start = end;
        }

        return marks;
    }
}

/// <summary>A word of the text and the argument that it became.</summary>
/// <param name="Start">UTF-16 units from the beginning of the command.</param>
/// <param name="End">Behind the last one.</param>
/// <param name="Text">What the program gets.</param>
/// <param name="Folders">Absolute paths of the folders it may be read from; null when that is only known at run time.</param>
internal readonly record struct ReadWord(int Start, int End, string Text, IReadOnlyList<string>? Folders);

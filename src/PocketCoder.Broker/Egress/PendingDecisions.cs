namespace PocketCoder.Broker.Egress;

/// <summary>
/// Asks once for a host and port however many connections wait for the answer; withdraws the question when all of them are gone.
/// </summary>
internal sealed class PendingDecisions(Func<EgressRequest, CancellationToken, ValueTask<EgressVerdict>> decide)
{
    private readonly Lock _gate = new(); // guards the table and the counts
    private readonly Dictionary<(string, int), Question> _open = [];

    public async Task<EgressVerdict> AskAsync(EgressRequest request, CancellationToken ct)
    {
        Question question;
        lock (_gate)
        {
            if (!_open.TryGetValue((request.Host, request.Port), out question!))
            {
                question = new Question();
                var withdrawn = question.Withdrawn.Token;
                _open.Add((request.Host, request.Port), question);
                question.Answer = Task.Run(() => decide(request, withdrawn).AsTask(), CancellationToken.None);
            }

            question.Waiting++;
        }

        try
        {
            return await question.Answer.WaitAsync(ct);
        }
        finally
        {
            bool last;
            lock (_gate)
            {
                last = --question.Waiting == 0;
                if (last || question.Answer.IsCompleted)
                {
                    if (_open.TryGetValue((request.Host, request.Port), out var current) && ReferenceEquals(current, question))
                    {
                        _open.Remove((request.Host, request.Port));
                    }
                }
            }

            if (last)
            {
                await question.Withdrawn.CancelAsync();
            }
        }
    }

    private sealed class Question
    {
        public Task<EgressVerdict> Answer { get; set; } = null!;

        public CancellationTokenSource Withdrawn { get; } = new();

        public int Waiting { get; set; }
    }
}

namespace PocketCoder.Channels.Tests;

public sealed class MessageMemoryTests
{
    [Fact]
    public void Whatever_peers_take_and_give_no_share_is_exceeded_short_messages_pass_and_all_comes_back()
    {
        const int perPeer = 4 << 20, total = 10 << 20, small = MessageMemory.AlwaysGranted;
        var random = new Random(15);
        var memory = new MessageMemory(total, perPeer);
        for (var round = 0; round < 20; round++)
        {
            var accounts = Enumerable.Range(0, 12)
                .Select(i => (Peer: i % 4, Account: memory.Open($"peer {i % 4}"), Large: new Stack<int>())).ToList();
            for (var step = 0; step < 500; step++)
            {
                var (peer, account, large) = accounts[random.Next(accounts.Count)];
                if (large.Count > 0 && random.Next(3) == 0)
                {
                    account.Give(large.Pop());
                    continue;
                }

                var bytes = random.Next(small + 1, 2 << 20);
                if (account.TryTake(bytes))
                {
                    large.Push(bytes);
                }

                Assert.True(accounts.Where(a => a.Peer == peer).Sum(a => a.Large.Sum()) <= perPeer);
                Assert.True(memory.Held <= total);
                Assert.Equal(accounts.Sum(a => a.Large.Sum()), memory.Held);
            }

            Assert.All(accounts, a => Assert.True(a.Account.TryTake(small))); // also where the share is used up
            accounts.ForEach(a => a.Account.Dispose());
            Assert.Equal(0, memory.Held);
            Assert.False(accounts[0].Account.TryTake(1));
            accounts[0].Account.Give(1);
            Assert.Equal(0, memory.Held);
        }
    }

    [Fact]
    public void A_channel_counts_fragments_until_the_message_is_given_back()
    {
        using var ends = Ends.Connect();
        var memory = new MessageMemory(64 << 20, 16 << 20);
        using var account = memory.Open("device");
        ends.Machine.Meter(account, 1 << 20);
        using var frames = ends.Device.Seal(new byte[500_000]);
        for (var i = 0; i < frames.Count - 1; i++)
        {
            Assert.Null(ends.Machine.Open(frames[i].Span));
            Assert.True(memory.Held >= ends.Machine.Unfinished && ends.Machine.Unfinished > 0);
        }

        var message = ends.Machine.Open(frames[frames.Count - 1].Span);
        Assert.True(memory.Held >= 500_000);
        message!.Dispose();
        Assert.Equal((0, 0), (memory.Held, ends.Machine.Unfinished));
    }

    [Fact]
    public void A_message_beyond_the_bound_or_the_share_poisons_the_channel_and_is_given_back()
    {
        foreach (var (most, share) in ((int, int)[])[(300_000, 16 << 20), (8 << 20, 400_000)])
        {
            using var ends = Ends.Connect();
            var memory = new MessageMemory(64 << 20, share);
            using var account = memory.Open("device");
            ends.Machine.Meter(account, most);
            using var frames = ends.Device.Seal(new byte[1_000_000]);
            var error = Assert.Throws<ChannelException>(() =>
            {
                for (var i = 0; i < frames.Count; i++)
                {
                    ends.Machine.Open(frames[i].Span)?.Dispose();
                }
            });
            Assert.Equal(ChannelError.TooLarge, error.Error);
            Assert.True(ends.Machine.IsPoisoned);
            Assert.Equal(0, memory.Held);
        }
    }
}

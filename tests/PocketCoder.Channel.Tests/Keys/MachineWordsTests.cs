namespace PocketCoder.Channels.Tests;

public sealed class MachineWordsTests
{
    /// <summary>The first words are the proposal's examples: 127.0.0.1, 63.84.220.193, 63.118.7.35. The app has this table.</summary>
    [Theory]
    [InlineData("7f0000010000000000000000000000ff", "lusab-babad-babab")]
    [InlineData("3f54dcc1ffff00000000000000000000", "gutih-tugad-zuzuz")]
    [InlineData("3f760723123400000000000000000000", "gutuk-bisog-damuh")]
    public void An_id_has_three_words(string id, string words) => Assert.Equal(words, MachineWords.Of(id));

    [Fact]
    public void Ids_that_differ_in_their_first_48_bits_have_different_words()
    {
        for (var bit = 0; bit < 48; bit++)
        {
            var id = new byte[16];
            id[bit / 8] = (byte)(1 << (bit % 8));
            Assert.NotEqual("babab-babab-babab", MachineWords.Of(Convert.ToHexStringLower(id)));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("7f000001")]
    [InlineData("7F0000010000000000000000000000FF")]
    [InlineData("zz0000010000000000000000000000ff")]
    public void What_is_no_id_has_none(string id) => Assert.Throws<ArgumentException>(() => MachineWords.Of(id));
}

using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using PocketCoder.Accounts;

namespace PocketCoder.Gateway.Hosting.Accounts;

/// <summary>One row of the table: <c>POST</c> to this path.</summary>
/// <param name="Least">
/// The least role that may ask; null: who brings a password, a passkey, a code of a service, a one-time link or a refresh token.
/// </param>
/// <param name="Ends">Whether it can take rights away: then connections are looked at before the answer, however it ended.</param>
/// <param name="MostBytes">Of the request's body.</param>
/// <param name="Answer">From the bytes of the request to those of the answer.</param>
internal sealed record AccountRoute(
    string Path, Role? Least, bool Ends, int MostBytes, Func<AccountCall, CancellationToken, Task<byte[]>> Answer)
{
    /// <summary>For those who are not signed in.</summary>
    public static AccountRoute Open<TIn, TOut>(
        string path, JsonTypeInfo<TIn> request, JsonTypeInfo<TOut> answer, Func<Proof, TIn, CancellationToken, Task<TOut>> work)
        where TIn : notnull
        => new(path, null, Ends: true, AccountDoor.MostBytes, async (call, ct) => JsonSerializer.SerializeToUtf8Bytes(
            await work(call.Proof, Read(call, request), ct), answer));

    /// <summary>For people of this role, or of one that is more.</summary>
    public static AccountRoute For<TIn, TOut>(
        Role least, string path, JsonTypeInfo<TIn> request, JsonTypeInfo<TOut> answer,
        Func<Person, TIn, CancellationToken, Task<TOut>> work, bool ends = false, int mostBytes = AccountDoor.MostBytes)
        where TIn : notnull
        => ForBrowser(least, path, request, answer, (_, person, asked, ct) => work(person, asked, ct), ends, mostBytes);

    /// <summary>As <see cref="For"/>, where it matters which browser asks.</summary>
    public static AccountRoute ForBrowser<TIn, TOut>(
        Role least, string path, JsonTypeInfo<TIn> request, JsonTypeInfo<TOut> answer,
        Func<Proof, Person, TIn, CancellationToken, Task<TOut>> work, bool ends = false, int mostBytes = AccountDoor.MostBytes)
        where TIn : notnull
        => new(path, least, ends, mostBytes, async (call, ct) => JsonSerializer.SerializeToUtf8Bytes(
            await work(call.Proof, call.Person!, Read(call, request), ct), answer));

    private static T Read<T>(AccountCall call, JsonTypeInfo<T> type)
        where T : notnull
    {
        try
        {
            return JsonSerializer.Deserialize(call.Proof.Body.Span, type) ?? throw Malformed(null);
        }
        catch (JsonException e)
        {
            throw Malformed(e);
        }

        static AccountRefusal Malformed(Exception? e)
            => new(AccountError.Malformed, "The body is not what this address takes.", inner: e);
    }
}

/// <summary>A request that passed the checks of all.</summary>
/// <param name="Person">Who asks; null where nobody has to be signed in.</param>
internal sealed record AccountCall(Proof Proof, Person? Person);

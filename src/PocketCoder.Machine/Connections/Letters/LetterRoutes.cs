using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Connections.Letters;

/// <summary>What a device that is connected says of its letters.</summary>
internal static class LetterRoutes
{
    public static MessageTable MapLetters(this MessageTable table, Store store)
    {
        var log = new LetterLog(store);
        return table.Map(
            DeviceVerbs.LettersWithdraw, Scope.Prompt,
            async (caller, request, _) =>
            {
                if (request.LetterIds.Count is 0 or > Limits.LettersAtOnce || !request.LetterIds.All(LetterText.IsId))
                {
                    throw new RequestFailure(ErrorCode.InvalidRequest, $"letterIds has 1 to {Limits.LettersAtOnce} ids of letters.");
                }

                await log.DoneAsync(caller.Device.DeviceId, request.LetterIds, store.Now + LetterService.Longest);
                return new LettersWithdrawResponse();
            });
    }
}

using PocketCoder.Machine.People;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Approvals;

/// <summary>What the two-person rule asks of a decision that allows. Pure but for what it reads within the change.</summary>
internal static class TwoPeople
{
    /// <summary>The request with the agreement of its first person; null: this one is the second, so it decides.</summary>
    /// <param name="device">Null: the owner at the machine.</param>
    /// <param name="by">The device's name.</param>
    /// <exception cref="RequestFailure">UNAUTHORIZED: nobody's device, or the same person or device again</exception>
    public static ApprovalInfo? Agree(Change change, ApprovalInfo asked, DecisionRequest decision, Device? device, string by)
    {
        var person = PersonOf(change, device) ?? throw new RequestFailure(
            ErrorCode.Unauthorized,
            "Two people must allow this, and the owner has not said whose device this is. At the machine: pocketcoder devices limit DEVICE --person NAME");
        if (asked.Agreed is not { } first || !Counts(change, first))
        {
            return asked with { Agreed = new AgreementInfo(decision.DecisionId, person, device?.DeviceId, by, change.Now) };
        }

        return first.Person != person && first.DeviceId != device?.DeviceId ? null : throw new RequestFailure(
            ErrorCode.Unauthorized, $"{first.By} allowed it already. Somebody else must allow it, too; anybody who may decide can deny it.");
    }

    /// <summary>Who decides, as a row names them; null: nobody said whose device it is.</summary>
    public static string? PersonOf(Change change, Device? device)
        => device is null ? PersonName.Owner : TwoPersonRule.PersonOf(change, device.DeviceId);

    /// <summary>Whoever lost a phone does not want its yes, and another person's device does not speak for the one before.</summary>
    private static bool Counts(Change change, AgreementInfo first)
        => first.DeviceId is null || TwoPersonRule.PersonOf(change, first.DeviceId) == first.Person;
}

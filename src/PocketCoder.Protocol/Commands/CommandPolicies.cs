using System.Text.Json.Serialization;

namespace PocketCoder.Protocol;

/// <summary>What a project's rules say of a one-shot command that a device wants to run.</summary>
[JsonConverter(typeof(LowerSnake<CommandVerdict>))]
public enum CommandVerdict
{
    /// <summary>It runs.</summary>
    Allow,

    /// <summary>A person must allow exactly this command first.</summary>
    Ask,

    /// <summary>It does not run, whoever asks.</summary>
    Deny,
}

/// <summary>One rule. <c>deny</c> goes before <c>ask</c>, <c>ask</c> before <c>allow</c>; their order means nothing.</summary>
/// <param name="Pattern">
/// A command as it is typed; <c>*</c> is any text, <c>\*</c> a star. Compared with the whole command line and with each command that the
/// shell would start in it. 1 to <see cref="CommandLimits.PatternCharacters"/> characters, no control characters.
/// </param>
public sealed record CommandRule(CommandVerdict Verdict, string Pattern);

/// <summary>
/// How a project decides on the one-shot commands of devices. Rules narrow what may be run; what runs is in the sandbox all the same. An
/// allowing rule holds for a command line that can be read whole, in which every command matches one, without redirections, variables and
/// input of its own. What can't be read whole is asked about as soon as there is a rule that asks or denies.
/// </summary>
/// <param name="Otherwise">What no rule matches. <c>allow</c> where nobody set anything.</param>
/// <param name="Rules">At most <see cref="CommandLimits.Rules"/>.</param>
public sealed record CommandPolicy(CommandVerdict Otherwise, IReadOnlyList<CommandRule> Rules);

public sealed record CommandPolicyGetRequest(Guid ProjectId);

public sealed record CommandPolicyGetResponse(CommandPolicy Policy);

/// <summary>
/// Sets all of it. Needs <c>manage</c>: whoever may run commands must not be the one who loosens the rules for them. Errors:
/// <c>PROJECT_NOT_FOUND</c>, <c>INVALID_REQUEST</c>.
/// </summary>
public sealed record CommandPolicySetRequest(Guid ProjectId, CommandPolicy Policy);

public sealed record CommandPolicySetResponse(CommandPolicy Policy);

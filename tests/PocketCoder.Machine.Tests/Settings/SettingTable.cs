using PocketCoder.Ledger;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Tests.Settings;

/// <summary>Whose word it takes to change a setting.</summary>
internal enum SettingRight
{
    /// <summary>A device with <see cref="Scope.View"/>, for itself alone.</summary>
    View,

    /// <summary>A device with <see cref="Scope.Prompt"/>.</summary>
    Prompt,

    /// <summary>A device with <see cref="Scope.Decide"/>.</summary>
    Decide,

    /// <summary>A device's signed decision about exactly that.</summary>
    SignedDecision,

    /// <summary>A device with <see cref="Scope.Manage"/>.</summary>
    Manage,

    /// <summary>The owner at the machine itself: its control socket, or how the daemon is started.</summary>
    Owner,
}

/// <summary>A setting that outlives the request that changes it.</summary>
/// <param name="Weakens">Which change weakens protection; null: none of its values does.</param>
/// <param name="MayWeaken">Who may make that change. The owner always may.</param>
/// <param name="MayChange">Who may make the others.</param>
/// <param name="Row">The kind of ledger row that a change of it is; null: none, and then nothing weakens.</param>
/// <param name="Ways">Types of the table of operations, and <c>start</c>.</param>
internal sealed record Setting(
    string Name, string? Weakens, SettingRight MayWeaken, SettingRight MayChange, string? Row, params string[] Ways);

/// <summary>
/// Every setting there is, who may weaken it, and the row that it leaves. A test holds it against every row of the table of operations:
/// one that is neither here nor known to change no setting can't land.
/// </summary>
internal static class SettingTable
{
    public static IReadOnlyList<Setting> All { get; } =
    [
        new(
            "sandbox of a project's sessions and commands",
            "a weaker kind, or no kind where the machine's is weaker; for devices never below what the owner started with",
            SettingRight.Manage,
            SettingRight.Prompt,
            LedgerKind.ConfigurationChanged,
            MessageTypes.ProjectDefaultsSet),
        // every mode that is offered asks before it acts
        new(
            "agent, mode, model and effort of a project's sessions",
            null,
            SettingRight.Prompt,
            SettingRight.Prompt,
            LedgerKind.ConfigurationChanged,
            MessageTypes.ProjectDefaultsSet),
        new(
            "sandbox of a session",
            "a weaker kind than the project's usual; for devices never below what the owner started with",
            SettingRight.Manage,
            SettingRight.Prompt,
            LedgerKind.ConfigurationChanged,
            MessageTypes.AgentSessionNew, MessageTypes.AgentSessionFork, "session_start"),
        new(
            "title, mode, model, effort, archive and queue of a session",
            null,
            SettingRight.Prompt,
            SettingRight.Prompt,
            null,
            MessageTypes.AgentSessionSet),
        new(
            "hosts that a project reaches",
            "a new rule, or a longer life of one",
            SettingRight.SignedDecision,
            SettingRight.SignedDecision,
            LedgerKind.RuleAdded,
            MessageTypes.AgentPromptResponse, "network_rule_add"),
        new(
            "end of a rule for a host",
            null,
            SettingRight.Decide,
            SettingRight.Decide,
            LedgerKind.RuleRemoved,
            MessageTypes.NetworkRuleRemove),
        new(
            "allowance for a turn or a session",
            "an allowance",
            SettingRight.SignedDecision,
            SettingRight.SignedDecision,
            LedgerKind.ApprovalDecided,
            MessageTypes.AgentPromptResponse),
        new(
            "more beyond a budget",
            "as much again for the session",
            SettingRight.SignedDecision,
            SettingRight.SignedDecision,
            LedgerKind.ApprovalDecided,
            MessageTypes.AgentPromptResponse),
        new(
            "rules for a project's commands",
            "fewer or wider rules",
            SettingRight.Manage,
            SettingRight.Manage,
            LedgerKind.ConfigurationChanged,
            MessageTypes.CommandPolicySet),
        // running one is command_exec, with the rules
        new(
            "favourite commands",
            null,
            SettingRight.Decide,
            SettingRight.Decide,
            null,
            MessageTypes.CommandFavouritesSet),
        new(
            "name of a device",
            "a name that another one is known by: refused to everybody",
            SettingRight.Manage,
            SettingRight.Manage,
            LedgerKind.ConfigurationChanged,
            MessageTypes.DeviceRename),
        new(
            "notifications of a device, by itself",
            null,
            SettingRight.View,
            SettingRight.View,
            LedgerKind.ConfigurationChanged,
            MessageTypes.PushSubscribe, MessageTypes.PushUnsubscribe),
        new(
            "what a device is notified of, and when, by itself",
            null,
            SettingRight.View,
            SettingRight.View,
            null,
            MessageTypes.PushSettingsSet),
        new(
            "end of a device",
            null,
            SettingRight.Manage,
            SettingRight.Manage,
            LedgerKind.DeviceRevoked,
            MessageTypes.DeviceRevoke),
        new(
            "scopes of a device",
            "a pairing",
            SettingRight.Owner,
            SettingRight.Owner,
            LedgerKind.PairingOffered,
            "pairing_offer"),
        new(
            "scopes of a person in a chat",
            "a pairing; for devices never more than their own, without manage and what is destructive",
            SettingRight.Manage,
            SettingRight.Manage,
            LedgerKind.PairingOffered,
            MessageTypes.ChatPairingOffer),
        new(
            "whose a device is, and the highest tier that it may allow",
            "another person, a higher tier, or none",
            SettingRight.Owner,
            SettingRight.Owner,
            LedgerKind.DeviceLimited,
            "pairing_offer", "device_limit"),
        new(
            "two people for what may destroy something",
            "turning it off",
            SettingRight.Owner,
            SettingRight.Owner,
            LedgerKind.ConfigurationChanged,
            "two_person_set"),
        new(
            "trust in a ledger that is not the one the machine signed",
            "going on with it",
            SettingRight.Owner,
            SettingRight.Owner,
            LedgerKind.LedgerAccepted,
            "ledger_accept"),
        new(
            "folders that agents work in",
            "another folder; for devices only beneath the roots",
            SettingRight.Manage,
            SettingRight.Manage,
            LedgerKind.ProjectAdded,
            MessageTypes.ProjectAdd, MessageTypes.ProjectCreate, MessageTypes.ProjectClone),
        new(
            "roots beneath which devices register folders",
            "another root",
            SettingRight.Owner,
            SettingRight.Owner,
            LedgerKind.ConfigurationChanged,
            "project_root_add", "project_root_remove"),
        new(
            "name of a project",
            null,
            SettingRight.Manage,
            SettingRight.Manage,
            LedgerKind.ConfigurationChanged,
            MessageTypes.ProjectRename),
        new(
            "end of a folder",
            null,
            SettingRight.Manage,
            SettingRight.Manage,
            LedgerKind.ProjectRemoved,
            MessageTypes.ProjectRemove),
        new(
            "budgets",
            "a higher one, or none; for devices only of those that devices set",
            SettingRight.Manage,
            SettingRight.Manage,
            LedgerKind.ConfigurationChanged,
            MessageTypes.BudgetSet, MessageTypes.BudgetRemove),
        new(
            "secrets of any name",
            "another value: whose account is used, and what is taken out of what is shown",
            SettingRight.Owner,
            SettingRight.Owner,
            LedgerKind.ConfigurationChanged,
            "secret_set", "secret_remove"),
        new(
            "keys of model providers",
            "another key: whose account is used, so who may read there what is asked; every device is told. None, unless there is a budget",
            SettingRight.Manage,
            SettingRight.Manage,
            LedgerKind.ConfigurationChanged,
            MessageTypes.ProviderKeySet, MessageTypes.ProviderKeyRemove),
        new(
            "name of the machine",
            "another machine's name",
            SettingRight.Owner,
            SettingRight.Owner,
            LedgerKind.ConfigurationChanged,
            "machine_label_set"),
        new(
            "receivers of notifications",
            "one more place that learns what waits, and with details a line of it",
            SettingRight.Owner,
            SettingRight.Owner,
            LedgerKind.ConfigurationChanged,
            "notify_set",
            "notify_remove"),
        new(
            "remote gateway",
            "another gateway, or one at all: it sees which devices meet this machine, and when",
            SettingRight.Owner,
            SettingRight.Owner,
            LedgerKind.ConfigurationChanged,
            "link_set",
            "link_remove", "link_login", "link_logout"),
        new(
            "what the daemon is started with",
            "a weaker sandbox, higher limits, other addresses of models, more that is listened on, an app of a chat platform",
            SettingRight.Owner,
            SettingRight.Owner,
            LedgerKind.ConfigurationChanged,
            "start", "entry_set", "provider_set", "provider_remove"),
    ];
}

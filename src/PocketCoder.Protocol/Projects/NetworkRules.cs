namespace PocketCoder.Protocol;

/// <summary>A host that sandboxes of a project may reach without a question.</summary>
/// <param name="Pattern"><c>example.com:443</c>, or <c>.example.com:80,443</c> for the hosts below it.</param>
/// <param name="By">Name of the device, or <c>cli</c>.</param>
/// <param name="ExpiresAt">Null: until it is removed.</param>
public sealed record NetworkRuleInfo(
    Guid RuleId, Guid ProjectId, string Pattern, string By, DateTimeOffset CreatedAt, DateTimeOffset? ExpiresAt);

/// <param name="ProjectId">Null: of all projects.</param>
public sealed record NetworkRulesListRequest(Guid? ProjectId = null);

public sealed record NetworkRulesListResponse(IReadOnlyList<NetworkRuleInfo> Rules);

/// <summary>Ends a rule; connections that are open stay open until their sandbox ends.</summary>
public sealed record NetworkRuleRemoveRequest(Guid RuleId);

public sealed record NetworkRuleRemoveResponse(NetworkRuleInfo Rule);

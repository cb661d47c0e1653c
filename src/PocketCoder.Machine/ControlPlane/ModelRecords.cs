namespace PocketCoder.Machine.ControlPlane;

/// <summary>That there is a secret. Its value is never given out.</summary>
public sealed record SecretName(string Name, DateTimeOffset SetAt);

using System.Runtime.Versioning;

// Modes, signals and users: these tests are about a Unix machine.
[assembly: SupportedOSPlatform("linux")]

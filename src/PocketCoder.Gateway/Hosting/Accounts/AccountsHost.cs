using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using PocketCoder.Accounts;
using PocketCoder.Gateway.Hosting.Accounts.Services;
using PocketCoder.Gateway.Relay;
using PocketCoder.Gateway.Relay.Letters;
using PocketCoder.Gateway.Relay.Machines;

namespace PocketCoder.Gateway.Hosting.Accounts;

/// <summary>The accounts of a gateway while it runs: their routes, and the watch over connections. Owns its work.</summary>
internal sealed class AccountsHost : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly ServiceHttp _services = new();
    private readonly AccountDoor _door;
    private readonly LetterStore _letters;
    private readonly LetterCarrier _carrier;
    private readonly IReadOnlyList<AccountRoute> _rows;
    private Task _watching = Task.CompletedTask;

    /// <exception cref="GatewayRefusal">The file can't be read or is damaged.</exception>
    public AccountsHost(
        string file, Enrolments enrolments, LinkedMachines linked, ClientAddress client, TimeProvider time, ILoggerFactory logs)
    {
        var store = new AccountStore(file, time);
        try
        {
            _ = store.HasUsers; // a file that can't be read is told now
        }
        catch (AccountRefusal e)
        {
            throw new GatewayRefusal(RefusalReason.Files, e.InnerException?.Message ?? e.Message, e);
        }

        var signIns = new SignIns(store, time);
        Admissions = new RelayAdmissions(signIns, time, logs.CreateLogger<RelayAdmissions>());
        var passkeys = new Passkeys(store, signIns, new PasskeyCeremony(), time);
        var others = new SignInServices(store, signIns, new ServiceCeremony(
            SignInServiceFile.Beside(file), _services, time, logs.CreateLogger<ServiceCeremony>()), time);
        _door = new AccountDoor(signIns, others, Admissions, client, time, logs.CreateLogger<AccountDoor>());
        Logins = new MachineLogins(time);
        var folder = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(file))!, "letters");
        _letters = new LetterStore(folder, time, logs.CreateLogger<LetterStore>());
        _carrier = new LetterCarrier(_letters, linked, signIns, time, logs.CreateLogger<LetterCarrier>());
        var table = new AccountTable(signIns, passkeys, others, new People(store, time), enrolments, linked);
        _rows =
        [
            .. table.Rows,
            .. new MachineTable(Logins, enrolments, linked, time).Rows,
            .. new LetterTable(_letters, _carrier, signIns, table.IsEnrolled, time).Rows,
        ];
        Posts = _rows.Select(r => r.Path).ToHashSet(StringComparer.Ordinal);
    }

    public RelayAdmissions Admissions { get; }

    /// <summary>The machines that wait to be let in.</summary>
    public MachineLogins Logins { get; }

    /// <summary>The paths that take POST.</summary>
    public IReadOnlySet<string> Posts { get; }

    public void Map(IEndpointRouteBuilder app)
    {
        app.AddRoute(AccountTable.Path, RouteTable.Reads, RouteAccess.Public, _door.OfferAsync);
        foreach (var row in _rows)
        {
            var access = row.Least is { } least ? RouteAccess.SignedIn(least) : RouteAccess.WithSecret;
            app.AddRoute(row.Path, RouteTable.Post, access, context => _door.HandleAsync(context, row));
        }
    }

    /// <summary>Looks at the connections from now on.</summary>
    public void Begin() => _watching = Admissions.WatchAsync(_stop.Token);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _watching;
        await _carrier.DisposeAsync();
        _stop.Dispose();
        _services.Dispose();
    }
}

using PocketCoder.Machine.Models;
using PocketCoder.Machine.Projects;
using PocketCoder.Machine.Sessions;
using PocketCoder.Machine.Storage;

namespace PocketCoder.Machine.Usage;

/// <summary>The parts of the daemon that show what models cost and change its budgets. Construction touches no disk.</summary>
internal sealed class UsageParts(ModelService models, ProjectStore projects, SessionDirectory sessions, Store store)
{
    public UsageReports Reports { get; } = new(models, projects, sessions, store);

    public BudgetService Budgets { get; } = new(models, projects, sessions);
}

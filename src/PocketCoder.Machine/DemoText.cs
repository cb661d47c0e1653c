namespace PocketCoder.Machine;

internal static class DemoText
{
    /// <summary>What the demo project explains to whoever opens it.</summary>
    public const string Readme = """
        # A demo project

        The demo agent needs no account and no key. It understands a few sentences:

            Make a hello page
            Delete the build folder
            Ask me a question
            Make a plan
            What can you do

        and, one a line:

            run: ls -la
            write: notes.txt | hello
            ask: Which colour? | red | blue
            plan: 1. read  2. write
            todo: read | write | test
            think: let me see
            long: 200
            confirm: anything that should wait for you first

        Everything else it says back. Commands and writes wait for your decision, as with a real agent.

        """;
}

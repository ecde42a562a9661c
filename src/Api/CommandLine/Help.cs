namespace Hindcast.Api.CommandLine;

internal static class Help
{
    public const string Text = """
        hindcast                           serve (settings as --Hindcast:Name=value, or Hindcast__Name in the environment)
        hindcast serve                     the same

        hindcast keys create               issue a key; its text is the only line on standard output
            --project P --name N --scopes ingest,read --environment E --prefix hc --plan free
            --admin                        every scope
        hindcast keys list [--project P]   the keys, masked
        hindcast keys rotate ID            a new key in place of ID, which works on for --overlap-hours (24)
        hindcast keys revoke ID            end a key at once

        hindcast projections status        where each read model stands
        hindcast projections rebuild NAME  build a read model again from the log, beside the one that serves
            --accept-parked                it takes over even if facts could not be applied
        hindcast projections verify        compare the read models with what follows from the log (server stopped)
        hindcast log verify                check every fact against its checksum and its hash chain (server stopped)
        hindcast log export FILE           write every event into FILE; packed if it ends in .gz (server stopped)
        hindcast log import FILE           read them into an empty log of any engine, and verify it (server stopped)
            --resume                       go on with an import that broke off
        hindcast prices import FILE        add the prices of a JSON file to the price book; history is priced anew
        hindcast prices reprice            compute all money anew, after a release with other built-in prices
        hindcast erase --scrub             rewrite the files so that nothing is left in them of what was erased
        hindcast demo                      load sample traces

        hindcast help, hindcast --version

        Everywhere:
            --data-directory D             default: Hindcast__DataDirectory, else 'data'
            --url U                        a server to talk to; default: the one that works on the data directory
            --key K                        its key; default: HINDCAST_KEY, else Hindcast__AdminKey
        Commands about keys work on the files when no server runs. Exit codes: 0 done, 1 failed, 2 not understood.
        """;
}

using Hindcast.Integration.EventLogs;

namespace Hindcast.Integration;

// Every engine, one line each: the same promises, checked by the same tests.
public sealed class SqliteLogKeepsItsPromises : EventLogContract<SqliteLogFixture>;

public sealed class SqliteLogTakesFactsOfAnySize : PartedLogContract<SqliteLogFixture>;

using Hindcast.Integration.Analytics;
using Hindcast.Integration.EventLogs;
using Hindcast.Integration.EventLogs.EventStoreDb;
using Hindcast.Integration.ReadModels;

namespace Hindcast.Integration;

// Every engine, one line each: the same promises, checked by the same tests.
public sealed class SqliteLogKeepsItsPromises : EventLogContract<SqliteLogFixture>;

public sealed class SqliteLogTakesFactsOfAnySize : PartedLogContract<SqliteLogFixture>;

public sealed class EventStoreDbLogKeepsItsPromises : EventLogContract<EventStoreDbLogFixture>;

public sealed class EventStoreDbLogTakesFactsOfAnySize : PartedLogContract<EventStoreDbLogFixture>;

public sealed class SqliteRowsKeepTheirPromises : ReadStoreContract<SqliteReadFixture>;

public sealed class PostgresRowsKeepTheirPromises : ReadStoreContract<PostgresReadFixture>;

public sealed class SqliteFiguresAreExact : AnalyticsContract<SqliteReadFixture>;

public sealed class PostgresFiguresAreExact : AnalyticsContract<PostgresReadFixture>;

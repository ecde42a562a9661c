using Hindcast.Integration.Analytics;
using Hindcast.Integration.Caches;
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

public sealed class MemoryResponseCacheKeepsItsPromises : ResponseCacheContract<MemoryFixture>;

public sealed class RedisResponseCacheKeepsItsPromises : ResponseCacheContract<RedisFixture>;

public sealed class MemoryRateLimiterKeepsItsPromises : RateLimiterContract<MemoryFixture>;

public sealed class RedisRateLimiterKeepsItsPromises : RateLimiterContract<RedisFixture>;

public sealed class MemoryFanOutKeepsItsPromises : FanOutContract<MemoryFixture>;

public sealed class RedisFanOutKeepsItsPromises : FanOutContract<RedisFixture>;

public sealed class SqliteFiguresAreExact : AnalyticsContract<SqliteReadFixture>;

public sealed class PostgresFiguresAreExact : AnalyticsContract<PostgresReadFixture>;

public sealed class SqliteFeedbackIsExact : FeedbackContract<SqliteReadFixture>;

public sealed class PostgresFeedbackIsExact : FeedbackContract<PostgresReadFixture>;

if (args is ["log-writer", ..]) await Hindcast.Bench.EventLogs.LogWriterBench.RunAsync();
return 0;

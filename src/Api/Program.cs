using Hindcast.Api;
using Hindcast.Api.CommandLine;

return await CommandLine.RunAsync(args, Hosting.Build, Hosting.AddHindcast);

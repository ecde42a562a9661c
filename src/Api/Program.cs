using Hindcast.Api;

var app = Hosting.Build(args);
app.Run();
return 0;

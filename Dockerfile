# REGISTRY is where your .NET images come from, with a slash at its end.
ARG REGISTRY=
FROM ${REGISTRY}dotnet/sdk:10.0 AS build
WORKDIR /src
COPY . .
RUN dotnet publish src/Api -c Release -o /app

FROM ${REGISTRY}dotnet/aspnet:10.0
WORKDIR /app
COPY --from=build /app .
RUN mkdir /data && chown $APP_UID /data
USER $APP_UID
VOLUME /data
# HTTP, and OTLP over gRPC where Hindcast__Otlp__GrpcEndpoint names an address that is reachable.
EXPOSE 8080 4317
ENTRYPOINT ["./hindcast"]

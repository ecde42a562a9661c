# REGISTRY is where your .NET images come from, with a slash at its end.
ARG REGISTRY=
# NODE is the image that builds the console.
ARG NODE=node:22-bookworm-slim

FROM ${NODE} AS console
WORKDIR /src/src/Console
COPY src/Console/package.json src/Console/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY src/Console .
RUN npm run build

FROM ${REGISTRY}dotnet/sdk:10.0 AS build
WORKDIR /src
COPY . .
COPY --from=console /src/artifacts/console artifacts/console
RUN dotnet publish src/Api -c Release -o /app -p:BuildConsole=false

FROM ${REGISTRY}dotnet/aspnet:10.0
WORKDIR /app
COPY --from=build /app .
RUN mkdir /data && chown $APP_UID /data
USER $APP_UID
VOLUME /data
# HTTP, and OTLP over gRPC where Hindcast__Otlp__GrpcEndpoint names an address that is reachable.
EXPOSE 8080 4317
ENTRYPOINT ["./hindcast"]

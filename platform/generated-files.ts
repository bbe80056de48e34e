/** Makes every file of the checkout that is derived from another one, always the same text from the same sources. */
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { openDeps } from '#api/main.ts';
import { createApi } from '#api/app.ts';
import { describeApi } from '#api/docs.ts';
import { migrateToLatest } from '#db/migrate.ts';
import { payloadSchemas } from '#domain/events.schema.ts';
import { loadConfig } from '#workers/config.ts';
import { startPostgres } from './postgres.ts';

/** Text by path; the paths are relative to the checkout. */
export type GeneratedFiles = ReadonlyMap<string, string>;

export const schemaPath = 'db/schema.generated.ts';
export const openApiPath = 'api/openapi.generated.json';
export const clientPath = 'api-client/schema.generated.ts';
export const eventsFolder = 'docs/events';

const root = fileURLToPath(new URL('../', import.meta.url));
const clientTool = join(root, 'tools/openapi-client');
const clientToolEntry = join(clientTool, 'node_modules/openapi-typescript/bin/cli.js');
const run = promisify(execFile);

/** The database's types, read where all migrations have run: at `migratedUrl`, or else in a throw-away server. */
export async function generateSchemaTypes(migratedUrl?: string): Promise<GeneratedFiles> {
  const folder = mkdtempSync(join(tmpdir(), 'pitboss-generate-'));
  try {
    if (migratedUrl !== undefined) return await schemaTypesOf(migratedUrl, folder);
    const server = await startPostgres({
      dir: join(folder, 'data'),
      port: await freePort(),
      password: randomBytes(12).toString('hex'),
      logFile: join(folder, 'postgres.log'),
      durability: 'none',
    });
    try {
      await migrateToLatest(server.url, { writer: 'writer', reader: 'reader' });
      return await schemaTypesOf(server.url, folder);
    } finally {
      await server.stop('immediate');
      rmSync(server.dataDir, { recursive: true, force: true });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function schemaTypesOf(url: string, folder: string): Promise<GeneratedFiles> {
  const outFile = join(folder, 'schema.ts');
  const options = ['--dialect', 'postgres', '--url', url, '--out-file', outFile, '--camel-case'];
  options.push('--default-schema', 'none', '--singularize=false', '--include-pattern', '*.*');
  options.push('--type-mapping', '{"int8":"bigint","numeric":"string","xid8":"string"}');
  await run(process.execPath, [join(root, 'node_modules/kysely-codegen/dist/cli/bin.js'), ...options], {
    cwd: root,
  });
  return new Map([[schemaPath, readFileSync(outFile, 'utf8')]]);
}

/** The OpenAPI document of all mounted routes. Nothing is connected to: the routes are described and not called. */
export async function generateOpenApi(): Promise<GeneratedFiles> {
  const closers: (() => unknown)[] = [];
  const nowhere = '127.0.0.1:1';
  const config = loadConfig({
    PITBOSS_MODE: 'test',
    LOG_LEVEL: 'silent',
    DATABASE_URL: `postgres://nobody:nothing@${nowhere}/none`,
    DATABASE_WRITER_PASSWORD: 'nothing',
    DATABASE_READER_PASSWORD: 'nothing',
    TEMPORAL_ADDRESS: nowhere,
    CLICKHOUSE_URL: `http://${nowhere}`,
    KEY_ENCRYPTION_KEY: throwAwayKey(),
    BLIND_INDEX_KEY: throwAwayKey(),
    PAYLOAD_CODEC_KEY: throwAwayKey(),
  });
  try {
    const deps = await openDeps(config, { started: true, add: (close) => void closers.push(close) });
    return new Map([[openApiPath, asJson(describeApi(createApi(deps)))]]);
  } finally {
    for (const close of closers) await close();
  }
}

/** One JSON schema per event type, for whoever reads the stream without our code. */
export function generateEventSchemas(): GeneratedFiles {
  return new Map(
    Object.entries(payloadSchemas).map(([type, schema]) => {
      const description = `Payload of the event ${type}, version 1.`;
      return [
        `${eventsFolder}/${type}.json`,
        asJson({ title: type, description, ...z.toJSONSchema(schema, { io: 'input' }) }),
      ];
    }),
  );
}

/** Installs the tool that makes the client: it lives apart, because it wants TypeScript 5. */
export async function installClientTool(): Promise<void> {
  if (existsSync(clientToolEntry)) return;
  await run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: clientTool });
}

export const isClientToolInstalled = (): boolean => existsSync(clientToolEntry);

/** The typed client of the document given. */
export async function generateClient(openApiText: string): Promise<GeneratedFiles> {
  const folder = mkdtempSync(join(tmpdir(), 'pitboss-generate-'));
  try {
    const [document, outFile] = [join(folder, 'openapi.json'), join(folder, 'client.ts')];
    writeFileSync(document, openApiText);
    await run(process.execPath, [clientToolEntry, document, '--output', outFile], { cwd: clientTool });
    return new Map([[clientPath, `${originLine(openApiText)}\n${readFileSync(outFile, 'utf8')}`]]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** First line of the client: tells without the tool whether it was made from this document. */
export function originLine(openApiText: string): string {
  return `// Made from ${openApiPath}, sha256 ${createHash('sha256').update(openApiText).digest('hex')}.`;
}

const asJson = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
const throwAwayKey = (): string => randomBytes(32).toString('base64');

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen({ port: 0, host: '127.0.0.1' }, () => {
      const address = probe.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}

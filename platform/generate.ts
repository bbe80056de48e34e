/**
 * `npm run generate`: writes the files that are derived from others. With `--check` it writes nothing and fails when
 * one of them is not what its sources say, so that nobody edits them by hand or forgets them.
 * `npm run generate -- histories` records the scenarios of the workflow tests that the replay corpus lacks.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  clientPath,
  eventsFolder,
  generateClient,
  generateEventSchemas,
  generateOpenApi,
  generateSchemaTypes,
  installClientTool,
  isClientToolInstalled,
  openApiPath,
  originLine,
  type GeneratedFiles,
} from './generated-files.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const absolute = (path: string): string => join(root, path);
const committed = (path: string): string | undefined =>
  existsSync(absolute(path)) ? readFileSync(absolute(path), 'utf8') : undefined;

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('histories')) return recordHistories(args.includes('--all') ? 'all' : '1');
  return args.includes('--check') ? check() : write();
}

async function write(): Promise<number> {
  // The schema first: the other generators load code that is typed by it, and a reader wants to see it fail first.
  save(await generateSchemaTypes());
  const openApi = await generateOpenApi();
  save(openApi);
  await installClientTool();
  save(await generateClient(openApi.get(openApiPath) ?? ''));
  const events = generateEventSchemas();
  for (const path of staleEvents(events)) rmSync(absolute(path));
  save(events);
  return 0;
}

async function check(): Promise<number> {
  const openApi = await generateOpenApi();
  const openApiText = openApi.get(openApiPath) ?? '';
  const events = generateEventSchemas();
  const wrong = [
    ...differing(await generateSchemaTypes(process.env['PITBOSS_MIGRATED_DATABASE_URL'])),
    ...differing(openApi),
    ...differing(events),
    ...staleEvents(events),
    ...(await differingClient(openApiText)),
  ];
  for (const path of wrong) process.stdout.write(`${path} is not what its sources say: npm run generate\n`);
  return wrong.length === 0 ? 0 : 1;
}

/** Without the tool, the first line of the client still tells which document it was made from. */
async function differingClient(openApiText: string): Promise<readonly string[]> {
  if (process.env['CI'] === 'true') await installClientTool();
  if (isClientToolInstalled()) return differing(await generateClient(openApiText));
  process.stdout.write(
    'openapi-typescript is not installed (npm run generate installs it): the client is checked by its origin alone\n',
  );
  return committed(clientPath)?.startsWith(originLine(openApiText)) === true ? [] : [clientPath];
}

function differing(files: GeneratedFiles): readonly string[] {
  return [...files].filter(([path, text]) => committed(path) !== text).map(([path]) => path);
}

function staleEvents(events: GeneratedFiles): readonly string[] {
  if (!existsSync(absolute(eventsFolder))) return [];
  return readdirSync(absolute(eventsFolder))
    .map((name) => `${eventsFolder}/${name}`)
    .filter((path) => path.endsWith('.json') && !events.has(path));
}

function save(files: GeneratedFiles): void {
  for (const path of differing(files)) {
    mkdirSync(dirname(absolute(path)), { recursive: true });
    writeFileSync(absolute(path), files.get(path) ?? '');
    process.stdout.write(`wrote ${path}\n`);
  }
}

/** Histories are what production once ran, so those that exist stay unless `--all` says otherwise. */
function recordHistories(which: '1' | 'all'): number {
  const vitest = absolute('node_modules/vitest/vitest.mjs');
  const { status } = spawnSync(process.execPath, [vitest, 'run', '--project', 'workflows'], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, RECORD_HISTORIES: which },
  });
  return status ?? 1;
}

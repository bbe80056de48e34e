/** `docker-compose.yml` and the Dockerfile behind it, read as an engine would read them. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

type Scalar = string | number | boolean | null;
export interface ComposeService {
  image?: string;
  build?: { context: string; target: string };
  environment?: Record<string, Scalar>;
  depends_on?: string[] | Record<string, { condition: string }>;
  volumes?: string[];
  ports?: string[];
  profiles?: string[];
  configs?: { source: string }[];
  command?: string[];
  healthcheck?: { test: string[] };
}
interface Compose {
  name: string;
  services: Record<string, ComposeService>;
  volumes: Record<string, unknown>;
  configs: Record<string, { content: string }>;
}

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const read = (path: string): string => readFileSync(join(root, path), 'utf8');

export const compose = parse(read('docker-compose.yml'), { merge: true }) as Compose;
export const dockerfile = read('Dockerfile');

/** ${NAME}, ${NAME:-default} and ${NAME:?message}, as the engine fills them in. */
function interpolate(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replaceAll(
    /\$\{(\w+)(?::([-?])([^}]*))?\}/g,
    (_all, name: string, kind?: string, rest?: string) => {
      const value = variables[name] ?? '';
      if (value !== '') return value;
      if (kind === '?') throw new Error(rest);
      return kind === '-' ? (rest ?? '') : '';
    },
  );
}

/** What a service's processes are given; throws the file's own message where a required variable is missing. */
export const environmentOf = (
  service: string,
  variables: Readonly<Record<string, string>>,
): Record<string, string> =>
  Object.fromEntries(
    Object.entries(compose.services[service]?.environment ?? {}).map(([name, value]) => [
      name,
      interpolate(String(value ?? ''), variables),
    ]),
  );

const stageOf = (name: string): string =>
  dockerfile.split(/^FROM /m).find((text) => text.split('\n')[0]?.endsWith(` AS ${name}`)) ?? '';

/** Folders of ours that an image has: its own, and those of the stages that it is made from. */
export function foldersOf(stage: string): readonly string[] {
  const text = stageOf(stage);
  const bases = [
    /^(\S+) AS /.exec(text)?.[1] ?? '',
    ...matchesOf(text, /^COPY --from=(\S+).* \/app \/app$/gm),
  ];
  return [...matchesOf(text, /^COPY (\w+) \1$/gm), ...bases.filter(stageOf).flatMap(foldersOf)];
}

/** Every file that one loads. An import of nothing but types goes with the types; one of named types does not. */
export function loadedBy(file: string, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const form =
    /^(?:import|export) (?!type )[^;'"]*?from '([#.][^']+\.ts)'|^import '([#.][^']+\.ts)'|import\('([#.][^']+\.ts)'\)/gm;
  for (const [, ...found] of read(file).matchAll(form)) {
    const target = found.find((one) => one !== undefined) ?? '';
    loadedBy(target.startsWith('#') ? target.slice(1) : join(dirname(file), target), seen);
  }
  return seen;
}

const matchesOf = (text: string, form: RegExp): string[] =>
  [...text.matchAll(form)].map(([, one]) => one ?? '');

/** The command of a service that we build: its own, or the last one of its stage. */
export function commandOf(service: string): readonly string[] {
  const { command, build } = compose.services[service] ?? {};
  if (command !== undefined) return command;
  const [, last] = /^CMD (\[.+\])$/m.exec(stageOf(build?.target ?? '')) ?? [];
  if (last === undefined) throw new Error(`The image of ${service} has no command.`);
  return JSON.parse(last) as string[];
}

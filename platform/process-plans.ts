/** Every process of ours: what runs it, when it counts as ready, how it is told to stop. */
import { join } from 'node:path';
import type { Environment } from '#workers/config.ts';
import { workflowThreadArgs } from '#workers/workflow-thread-args.ts';
import type { DevSecrets } from './dev-secrets.ts';
import { findAnvil } from './anvil-binary.ts';
import { childPath, sandboxTokens } from './environment.ts';
import { programPath, type Program } from './joined-programs.ts';
import type { Ports } from './ports.ts';
import type { ProcessPlan } from './supervisor.ts';

/** Dependents before what they depend on. */
export const stopOrder: readonly (readonly string[])[] = [
  ['api'],
  ['worker'],
  ['relay'],
  ['card-vault'],
  ['psp-alpha', 'psp-beta', 'psp-gamma', 'bank', 'kyc-vendor', 'game-studio', 'mailbox', 'odds-feed'],
  ['chain-watcher', 'chain-signer'],
  ['chain'],
  ['chain-node'],
  ['analytics'],
  ['temporal'],
  ['postgres'],
];

const readyTimeoutMs = 60_000;

/**
 * Most of what a bet makes is dead when it is answered. With the default of 16 MB the young generation is emptied
 * while hundreds of bets are under way, and what they hold is copied and kept.
 */
export const apiNodeArgs: readonly string[] = ['--max-semi-space-size=64'];

interface NodePlan {
  readonly name: string;
  readonly label: string;
  readonly script: Program;
  readonly nodeArgs?: readonly string[];
  readonly args?: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly readyUrl: string;
  readonly stopGraceMs: number;
}

export function apiPlan(env: Record<string, string>, ports: Ports): ProcessPlan {
  return nodePlan({
    name: 'api',
    label: 'The API',
    script: 'api/main.ts',
    nodeArgs: apiNodeArgs,
    env: { ...env, METRICS_PORT: String(ports.apiMetrics) },
    readyUrl: `http://127.0.0.1:${ports.api}/readyz`,
    stopGraceMs: 15_000,
  });
}

export function workerPlan(env: Record<string, string>, ports: Ports): ProcessPlan {
  return nodePlan({
    name: 'worker',
    label: 'The worker',
    script: 'workers/main.ts',
    nodeArgs: workflowThreadArgs(env),
    env: {
      ...env,
      METRICS_PORT: String(ports.workerMetrics),
      SDK_METRICS_PORT: String(ports.workerSdkMetrics),
    },
    readyUrl: `http://127.0.0.1:${ports.workerMetrics}/readyz`,
    stopGraceMs: 22_000,
  });
}

export function relayPlan(env: Record<string, string>, ports: Ports): ProcessPlan {
  return nodePlan({
    name: 'relay',
    label: 'The relay',
    script: 'workers/outbox-relay.ts',
    env: { ...env, METRICS_PORT: String(ports.relayMetrics) },
    readyUrl: `http://127.0.0.1:${ports.relayMetrics}/readyz`,
    stopGraceMs: 10_000,
  });
}

export function analyticsPlan(given: Environment, home: string, ports: Ports, password: string): ProcessPlan {
  return nodePlan({
    name: 'analytics',
    label: 'ClickHouse (chDB)',
    script: 'analytics/server.ts',
    env: {
      ...bare(given),
      CLICKHOUSE_PORT: String(ports.clickhouse),
      CLICKHOUSE_PASSWORD: password,
      CLICKHOUSE_DIR: join(home, 'clickhouse'),
    },
    readyUrl: `http://127.0.0.1:${ports.clickhouse}/readyz`,
    stopGraceMs: 15_000,
  });
}

export interface SandboxRequest {
  readonly given: Environment;
  readonly home: string;
  readonly ports: Ports;
  readonly secrets: DevSecrets;
}

export function pspAlphaPlan({ given, home, ports, secrets }: SandboxRequest): ProcessPlan {
  return partyPlan({
    given,
    home,
    name: 'psp-alpha',
    label: 'The PSP alpha',
    script: 'sandbox/psp/main.ts',
    port: ports.pspAlpha,
    env: {
      DIALECT: 'stripe',
      API_KEY: secrets.pspAlpha.apiKey,
      WEBHOOK_URL: `http://127.0.0.1:${ports.api}/webhooks/psp/alpha`,
      WEBHOOK_SECRET: secrets.pspAlpha.webhookSecret,
    },
  });
}

export function pspBetaPlan({ given, home, ports, secrets }: SandboxRequest): ProcessPlan {
  return partyPlan({
    given,
    home,
    name: 'psp-beta',
    label: 'The PSP beta',
    script: 'sandbox/psp/main.ts',
    port: ports.pspBeta,
    env: {
      DIALECT: 'adyen',
      API_KEY: secrets.pspBeta.apiKey,
      WEBHOOK_URL: `http://127.0.0.1:${ports.api}/webhooks/psp/beta`,
      HMAC_KEY: secrets.pspBeta.hmacKey,
      MERCHANT_ACCOUNT: secrets.pspBeta.merchantAccount,
      SEVERAL_CAPTURES: 'true',
    },
  });
}

export function pspGammaPlan({ given, home, ports, secrets }: SandboxRequest): ProcessPlan {
  return partyPlan({
    given,
    home,
    name: 'psp-gamma',
    label: 'The PSP gamma',
    script: 'sandbox/psp/main.ts',
    port: ports.pspGamma,
    env: {
      DIALECT: 'checkout',
      API_KEY: secrets.pspGamma.apiKey,
      WEBHOOK_URL: `http://127.0.0.1:${ports.api}/webhooks/psp/gamma`,
      WEBHOOK_SECRET: secrets.pspGamma.webhookSecret,
      PROCESSING_CHANNEL_ID: secrets.pspGamma.processingChannelId,
      CURRENCY_ACCOUNT_ID: secrets.pspGamma.currencyAccountId,
    },
  });
}

export function bankPlan({ given, home, ports, secrets }: SandboxRequest): ProcessPlan {
  return partyPlan({
    given,
    home,
    name: 'bank',
    label: 'The bank',
    script: 'sandbox/bank/main.ts',
    port: ports.bank,
    env: { API_KEY: secrets.bank.apiKey, ACCOUNT_IBAN: secrets.bank.iban },
  });
}

export function kycVendorPlan({ given, home, ports, secrets }: SandboxRequest): ProcessPlan {
  return partyPlan({
    given,
    home,
    name: 'kyc-vendor',
    label: 'The KYC vendor',
    script: 'sandbox/kyc-vendor/main.ts',
    port: ports.kycVendor,
    env: {
      APP_TOKEN: secrets.kycVendor.appToken,
      SECRET_KEY: secrets.kycVendor.secretKey,
      WEBHOOK_URL: `http://127.0.0.1:${ports.api}/webhooks/kyc/vendor`,
      WEBHOOK_SECRET: secrets.kycVendor.webhookSecret,
    },
  });
}

export function gameStudioPlan({ given, home, ports, secrets }: SandboxRequest): ProcessPlan {
  return partyPlan({
    given,
    home,
    name: 'game-studio',
    label: 'The game studio',
    script: 'sandbox/game-studio/main.ts',
    port: ports.gameStudio,
    env: {
      OPERATOR_WALLET_URL: `http://127.0.0.1:${ports.api}/wallet/hub88/studio`,
      CALETA_WALLET_URL: `http://127.0.0.1:${ports.api}/wallet/caleta/studio-caleta`,
      A8R_V2_WALLET_URL: `http://127.0.0.1:${ports.api}/wallet/a8r/studio-a8r-v2`,
      A8R_V2_AUTH_TOKEN: secrets.a8r.v2Token,
      A8R_V1_WALLET_URL: `http://127.0.0.1:${ports.api}/wallet/a8r/v1/studio-a8r-v1`,
      A8R_V1_AUTH_TOKEN: secrets.a8r.v1Token,
      PRIVATE_KEY: secrets.hub88.studioPrivateKey,
      OPERATOR_PUBLIC_KEY: secrets.hub88.operatorPublicKey,
      OPERATOR_ID: 'pitboss',
    },
  });
}

export function mailboxPlan({ given, home, ports }: SandboxRequest): ProcessPlan {
  return partyPlan({
    given,
    home,
    name: 'mailbox',
    label: 'The mailbox',
    script: 'sandbox/mailbox/main.ts',
    port: ports.mailbox,
    env: {
      SMTP_PORT: String(ports.mailboxSmtp),
    },
  });
}

export function oddsFeedPlan({ given, home, ports, secrets }: SandboxRequest): ProcessPlan {
  return partyPlan({
    given,
    home,
    name: 'odds-feed',
    label: 'The odds feed',
    script: 'sandbox/odds-feed/main.ts',
    port: ports.oddsFeed,
    env: {
      WEBHOOK_URL: `http://127.0.0.1:${ports.api}/webhooks/odds-feed`,
      WEBHOOK_SECRET: secrets.oddsFeed.webhookSecret,
    },
  });
}

export function chainPlan({ given, home, ports }: SandboxRequest): ProcessPlan {
  return partyPlan({
    given,
    home,
    name: 'chain',
    label: 'The chain',
    script: 'sandbox/chain/main.ts',
    port: ports.sandboxChain,
    env: { CHAIN_PORT: String(ports.chainRpc) },
  });
}

const chainBlockTimeS = 4;

/** A process of its own and nobody's child, so that a start after a kill finds and ends it as it does all others. */
export function chainNodePlan({ given, home, ports }: SandboxRequest): ProcessPlan {
  const port = String(ports.chainRpc);
  const state = join(home, 'sandbox', 'chain-node.json');
  return {
    name: 'chain-node',
    label: 'The chain’s node',
    command: findAnvil() ?? 'anvil',
    args: ['--host', '127.0.0.1', '--port', port, '--slots-in-an-epoch', '4', '--quiet']
      .concat(['--block-time', String(chainBlockTimeS), '--mixed-mining'])
      .concat(['--state', state, '--state-interval', '15']),
    env: bare(given),
    isReady: () => answersBlockNumber(`http://127.0.0.1:${port}`),
    readyTimeoutMs,
    stopSignal: 'SIGTERM',
    stopGraceMs: 10_000,
  };
}

const answersBlockNumber = (url: string): Promise<boolean> =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_blockNumber', params: [] }),
    signal: AbortSignal.timeout(2_000),
  }).then(
    ({ ok }) => ok,
    () => false,
  );

/** It holds private keys, so it is told nothing of the rest. */
export function chainSignerPlan({ given, ports, secrets }: SandboxRequest): ProcessPlan {
  return nodePlan({
    name: 'chain-signer',
    label: 'The chain’s signer',
    script: 'workers/chain-signer.ts',
    env: {
      ...bare(given),
      PORT: String(ports.chainSigner),
      EVM_CHAIN_ID: '31337',
      EVM_TOKENS: sandboxTokens,
      EVM_SIGNER_SECRET: secrets.evm.signerSecret,
      SIGNER_SEED: secrets.evm.seed,
      SIGNER_PAYOUT_MAX: 'USDT=10000,ETH=5',
      SIGNER_DAY_MAX: 'USDT=50000,ETH=20',
    },
    readyUrl: `http://127.0.0.1:${ports.chainSigner}/healthz`,
    stopGraceMs: 5_000,
  });
}

export function chainWatcherPlan(env: Record<string, string>, ports: Ports): ProcessPlan {
  return nodePlan({
    name: 'chain-watcher',
    label: 'The chain’s watcher',
    script: 'workers/chain-watcher.ts',
    env: { ...env, METRICS_PORT: String(ports.chainWatcher) },
    readyUrl: `http://127.0.0.1:${ports.chainWatcher}/readyz`,
    stopGraceMs: 10_000,
  });
}

/** A counterparty is told its own variables only; it plays a stranger and must not see our secrets. */
function partyPlan(party: {
  given: Environment;
  home: string;
  name: string;
  label: string;
  script: Program;
  port: number;
  env: Record<string, string>;
}): ProcessPlan {
  const url = `http://127.0.0.1:${party.port}`;
  const token = party.given['SCENARIO_TOKEN'];
  return nodePlan({
    name: party.name,
    label: party.label,
    script: party.script,
    env: {
      ...bare(party.given),
      PORT: String(party.port),
      STATE_DIR: join(party.home, 'sandbox', party.name),
      PUBLIC_URL: url,
      ...(token === undefined || token === '' ? {} : { SCENARIO_TOKEN: token }),
      ...party.env,
    },
    readyUrl: `${url}/healthz`,
    stopGraceMs: 5_000,
  });
}

export function nodePlan(plan: NodePlan): ProcessPlan {
  return {
    name: plan.name,
    label: plan.label,
    command: process.execPath,
    args: [...(plan.nodeArgs ?? []), programPath(plan.script), ...(plan.args ?? [])],
    env: plan.env,
    isReady: () => answersOk(plan.readyUrl),
    readyTimeoutMs,
    stopSignal: 'SIGTERM',
    stopGraceMs: plan.stopGraceMs,
  };
}

async function answersOk(url: string): Promise<boolean> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) });
  await answer.body?.cancel();
  return answer.ok;
}

/** What any program needs of its surroundings, and nothing of ours. */
export function bare(given: Environment): Record<string, string> {
  const env: Record<string, string> = { PATH: childPath(given), NODE_NO_WARNINGS: '1' };
  for (const name of ['HOME', 'TMPDIR', 'LANG', 'TZ', 'LOGNAME', 'USER']) {
    const value = given[name];
    if (value !== undefined) env[name] = value;
  }
  return env;
}

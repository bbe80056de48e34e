/** How long a player waits for the next action of a card deposit, against a no-op update-with-start on the same server. */
import { randomUUID } from 'node:crypto';
import { Client, Connection, WithStartWorkflowOperation } from '@temporalio/client';
import type { Platform } from '#platform/platform.ts';
import { awaitCapture, protect, register, type Player } from '#sandbox/demo/acts.ts';
import { findCast, type Cast } from '#sandbox/demo/cast.ts';
import { submitForm, type Json } from '#sandbox/demo/http.ts';
import { loadConfig } from '#workers/config.ts';
import { createDataConverter } from '#workers/payload-codec.ts';
import { workflowThreadArgs } from '#workers/workflow-thread-args.ts';
import { depositWorkflowId } from '#workflows/deposit.contract.ts';
import { onPlatform, type Bench } from './bench-platform.ts';
import { startChild } from './child.ts';
import { printHistories } from './history-profile.ts';
import { answerAtOnce, noopQueue } from './noop.contract.ts';
import type { noop } from './noop.workflow.ts';
import { median, spread, verdict } from './statistics.ts';

const rounds = 7;
const pairsPerRound = 15;
/** Until every process on the way has compiled what it runs: the first forty pairs are twice as slow. */
const warmUps = 40;
const ratioMax = 1.5;

export const deposit: Bench = {
  summary: 'deposit call to next action, p50, against a no-op update-with-start',
  run: () => onPlatform(measure),
};

async function measure(platform: Platform): Promise<readonly string[]> {
  const worker = startChild('./noop-worker.ts', platform.environment, [
    ...workflowThreadArgs(platform.environment),
  ]);
  const config = loadConfig(platform.environment);
  const connection = await Connection.connect({
    address: config.temporal.address,
    channelArgs: { 'grpc.default_compression_algorithm': 0 },
  });
  try {
    const client = new Client({
      connection,
      namespace: config.temporal.namespace,
      dataConverter: createDataConverter(config.keys.payloadCodec.reveal()),
    });
    const cast = await findCast(platform.home, process.env);
    const player = await register(cast);
    await protect(player);
    await worker.next();
    return await comparePairs(client, cast, player);
  } finally {
    await worker.end();
    await connection.close();
  }
}

async function comparePairs(client: Client, cast: Cast, player: Player): Promise<readonly string[]> {
  for (let index = 0; index < warmUps; index += 1) {
    await timeNoop(client);
    await timeDeposit(cast, player);
  }
  const ratios: number[] = [];
  const all = { noop: [] as number[], deposit: [] as number[] };
  const depositIds: string[] = [];
  const noopIds: string[] = [];
  console.log('\nround   no-op p50 ms   deposit p50 ms   ratio');
  for (let round = 1; round <= rounds; round += 1) {
    const seen = { noop: [] as number[], deposit: [] as number[] };
    for (let pair = 0; pair < pairsPerRound; pair += 1) {
      const noop = await timeNoop(client);
      seen.noop.push(noop.tookMs);
      noopIds.push(noop.workflowId);
      const { tookMs, depositId } = await timeDeposit(cast, player);
      seen.deposit.push(tookMs);
      depositIds.push(depositId);
    }
    const ratio = median(seen.deposit) / median(seen.noop);
    ratios.push(ratio);
    all.noop.push(...seen.noop);
    all.deposit.push(...seen.deposit);
    console.log(
      `${round}       ${median(seen.noop).toFixed(1).padStart(8)}       ${median(seen.deposit).toFixed(1).padStart(8)}         ${ratio.toFixed(2)}`,
    );
  }
  console.log(`no-op update-with-start p50/p95/p99: ${spread(all.noop, 1)} ms`);
  console.log(`deposit to next action  p50/p95/p99: ${spread(all.deposit, 1)} ms`);
  await printHistories(client, noopIds);
  await printHistories(client, depositIds.map(depositWorkflowId));
  return [verdict(`deposit ÷ no-op, median of ${rounds} rounds`, median(ratios), { atMost: ratioMax })];
}

async function timeNoop(client: Client): Promise<{ tookMs: number; workflowId: string }> {
  const workflowId = `noop:${randomUUID()}`;
  const startedAt = performance.now();
  await client.workflow.executeUpdateWithStart(answerAtOnce, {
    startWorkflowOperation: new WithStartWorkflowOperation<typeof noop>('noop', {
      workflowId,
      taskQueue: noopQueue,
      workflowIdConflictPolicy: 'USE_EXISTING',
    }),
  });
  return { tookMs: performance.now() - startedAt, workflowId };
}

/** Small, so that the limit of the day admits them all; the rest of the deposit is played outside the measured time. */
async function timeDeposit(cast: Cast, player: Player): Promise<{ tookMs: number; depositId: string }> {
  const tokens = [await tokenise(cast)];
  const body = {
    money: { amount: '1.00', asset: 'EUR' },
    instrument: { kind: 'card', tokens },
    returnUrl: `${cast.api}/docs`,
  };
  const startedAt = performance.now();
  const begun: Json = await player.call('/v1/deposits', { body, idempotencyKey: randomUUID() });
  const tookMs = performance.now() - startedAt;
  if (begun.nextAction.type !== 'redirect')
    throw new Error(`The deposit is ${begun.state} and asks for nothing.`);
  await answerChallenge(begun.nextAction.url);
  await awaitCapture(player, begun.depositId);
  return { tookMs, depositId: begun.depositId };
}

/** Without the way back to the shop: the PSP's webhook alone ends the deposit. */
async function answerChallenge(url: string): Promise<void> {
  const page = await fetch(url, { redirect: 'follow' });
  await submitForm(page.url, { outcome: 'pass' });
}

async function tokenise(cast: Cast): Promise<{ psp: string; token: string }> {
  const card = { number: '4000000000003220', exp_month: '12', exp_year: '2031', cvc: '123' };
  const fields = Object.entries(card).map(([name, value]): [string, string] => [`card[${name}]`, value]);
  const answer = await fetch(`${cast.sandbox.pspAlpha}/v1/payment_methods`, {
    method: 'POST',
    headers: { authorization: `Bearer ${cast.pspKeys.alpha}` },
    body: new URLSearchParams([['type', 'card'], ...fields]),
  });
  const { id }: Json = await answer.json();
  return { psp: 'alpha', token: id };
}

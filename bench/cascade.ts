/**
 * Chaos at the cashier: many deposits over the whole platform, a quarter of them with an ambiguous answer, under bad
 * weather at every PSP and with processes killed in the middle; then the proof, by the PSPs' own books.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Platform } from '#platform/platform.ts';
import { protect, register, type Player } from '#sandbox/demo/acts.ts';
import { findCast, signInOperator, type Cast } from '#sandbox/demo/cast.ts';
import { submitForm, type Json } from '#sandbox/demo/http.ts';
import { onPlatform, type Bench } from './bench-platform.ts';
import { createDice, plan, psps, tokenise, type Planned, type PspAddresses } from './cascade-fates.ts';
import { prove, type Proof } from './cascade-proof.ts';
import { killProcesses, resendWebhooks, weatherAt } from './cascade-weather.ts';
import { spread } from './statistics.ts';

const depositsDefault = 2_000;
const depositsPerPlayer = 150;
const callers = 6;
const depositsPerKill = 100;
const killsMin = 3;
/** The longest proof is a challenge that nobody answers (20 min), asked about at growing pauses. */
const settleMinutesMax = 45;
/** A request that died with its worker leaves no trace at the PSP and goes to a person after a quarter of an hour. */
const settleMinutesMaxQuick = 19;

export const cascade: Bench = {
  summary:
    'deposits under chaos, proven by the PSPs’ own books: [deposits] [quick: without what takes 20 min to be proven]',
  run: (args) =>
    onPlatform((platform) =>
      measure(platform, {
        deposits: Number(args.find((arg) => /^\d+$/.test(arg)) ?? depositsDefault),
        isQuick: args.includes('quick'),
        seed: Number(args.find((arg) => arg.startsWith('seed='))?.slice(5) ?? Date.now() % 1_000_000),
      }),
    ),
};

type Wanted = { readonly deposits: number; readonly isQuick: boolean; readonly seed: number };

type Made = {
  readonly planned: Planned;
  readonly depositId: string;
  /** Until the API's answer. */
  readonly tookMs: number;
};

async function measure(platform: Platform, wanted: Wanted): Promise<readonly string[]> {
  const { sandbox, postgres } = platform.runJson;
  const at = addressesOf(sandbox);
  const database = new pg.Client(postgres.owner);
  await database.connect();
  try {
    const players = await makePlayers(platform, Math.max(3, Math.ceil(wanted.deposits / depositsPerPlayer)));
    console.log(`${wanted.deposits} deposits, ${players.length} players, seed=${wanted.seed}`);
    const made = await chaos(platform, at, players, wanted);
    await resendWebhooks(at);
    if (wanted.isQuick) await endChallenges(database);
    await untilSettled(database, wanted.isQuick ? settleMinutesMaxQuick : settleMinutesMax);
    // A notice that was lost may speak of a charge that nobody expects any more.
    await resendWebhooks(at);
    await delay(5_000);
    await untilSettled(database, settleMinutesMaxQuick);
    const proof = await prove(
      platform,
      database,
      at,
      made.map(({ depositId }) => depositId),
    );
    return report(made, proof);
  } finally {
    await database.end();
  }
}

export function addressesOf(sandbox: Readonly<Record<string, string>>): PspAddresses {
  const { pspAlpha, pspBeta, pspGamma } = sandbox;
  if (pspAlpha === undefined || pspBeta === undefined || pspGamma === undefined)
    throw new Error('The bench needs the three sandbox PSPs.');
  return { alpha: pspAlpha, beta: pspBeta, gamma: pspGamma };
}

/** Players of one address, on whom nobody counts how many cards were refused there: here it is all of them. */
export async function makePlayers(platform: Platform, count: number): Promise<readonly Player[]> {
  const cast = await findCast(platform.home, process.env);
  await endVelocityRules(cast);
  const risk = await signInOperator(cast, 'risk');
  const expiresAt = new Date(Date.now() + 24 * 3_600_000).toISOString();
  const players: Player[] = [];
  while (players.length < count) {
    const player = await register(cast);
    await protect(player);
    // Refused cards by the dozen from one address are what a scorecard is for: here they are the weather.
    await risk(`/admin/v1/players/${player.id}/fraud-scores`, {
      body: { score: 0, source: 'the bench', expiresAt, after: 0, reason: 'harmless by intention' },
    });
    players.push(player);
  }
  return players;
}

async function endVelocityRules(cast: Cast): Promise<void> {
  const lead = await signInOperator(cast, 'payments-lead');
  const other = await signInOperator(cast, 'compliance');
  const reason = 'all players of the bench are at one address';
  const { items }: Json = await lead(`/admin/v1/payments/payment-rules?brand=aurora`);
  for (const { ruleId, measure } of items) {
    if (measure !== 'declined-cards') continue;
    const { actId, payloadHash }: Json = await lead(`/admin/v1/payments/payment-rules/${ruleId}/endings`, {
      body: { reason },
      idempotencyKey: randomUUID(),
    });
    // A limit in force is ended by two people.
    await other(`/admin/v1/payments/act-proposals/${actId}/decisions`, {
      body: { decision: 'apply', payloadHash, reason },
    });
  }
}

async function chaos(
  platform: Platform,
  at: PspAddresses,
  players: readonly Player[],
  { deposits, isQuick, seed }: Wanted,
): Promise<readonly Made[]> {
  const dice = createDice(seed);
  const plans = Array.from({ length: deposits }, () => plan(dice, isQuick));
  const made: Made[] = [];
  const stop = new AbortController();
  const seen = new Map<string, number>();
  const weather = psps.map((psp, index) =>
    weatherAt(psp, at[psp], createDice(seed + index + 1), isQuick, stop.signal, seen),
  );
  const kills = Math.max(killsMin, Math.floor(deposits / depositsPerKill));
  const killing = killProcesses(platform, kills, () => made.length / deposits, stop.signal);
  const startedAt = performance.now();
  let next = 0;
  const caller = async () => {
    for (let index = next++; index < plans.length; index = next++) {
      const planned = plans[index];
      const player = players[index % players.length];
      if (planned === undefined || player === undefined) return;
      made.push(await depositOnce(at, player, planned));
      if (made.length % 100 === 0)
        console.log(
          `${made.length} deposits after ${((performance.now() - startedAt) / 1_000).toFixed(0)} s`,
        );
    }
  };
  try {
    await Promise.all(Array.from({ length: callers }, caller));
  } finally {
    stop.abort();
    await Promise.all(weather);
  }
  console.log(`killed: ${(await killing).join(', ')}`);
  for (const [name, times] of seen) console.log(`weather ${name}: ${times} times`);
  return made;
}

/** One player, one deposit: asked for with one key until it is answered, and the challenge as the fate wants it. */
async function depositOnce(at: PspAddresses, player: Player, planned: Planned): Promise<Made> {
  const request = {
    body: {
      money: { amount: planned.amount, asset: 'EUR' },
      instrument: { kind: 'card', tokens: await tokenise(at, player.id, planned) },
      returnUrl: 'https://shop.example/cashier',
    },
    idempotencyKey: randomUUID(),
  };
  const startedAt = performance.now();
  const begun = await untilAnswered(() => player.call('/v1/deposits', request));
  const tookMs = performance.now() - startedAt;
  const url: string | null = begun.nextAction.type === 'redirect' ? begun.nextAction.url : null;
  const { challenge } = planned.fate;
  if (url !== null && challenge !== 'abandoned') await answerChallenge(url, challenge);
  return {
    planned,
    depositId: begun.depositId,
    tookMs,
  };
}

/** A lost answer or an absent part is a reason to repeat, a refusal is not. */
async function untilAnswered(call: () => Promise<Json>): Promise<Json> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await call();
    } catch (error) {
      const isRefused = error instanceof Error && / answered 4\d\d/.test(error.message);
      if (isRefused || tries === 100) throw error;
      await delay(500);
    }
  }
}

async function answerChallenge(url: string, challenge: 'passed' | 'passed and gone' | 'refused') {
  // The browser of a player whose PSP or shop is away tries again, and then gives up: the deposit must bear that.
  for (let tries = 1; tries <= 20; tries += 1) {
    try {
      const page = await fetch(url, { redirect: 'follow', signal: AbortSignal.timeout(10_000) });
      const answer = await submitForm(page.url, { outcome: challenge === 'refused' ? 'fail' : 'pass' });
      const back = answer.headers.get('location');
      if (back !== null && challenge !== 'passed and gone')
        await fetch(new URL(back, page.url), { redirect: 'manual', signal: AbortSignal.timeout(20_000) });
      return;
    } catch {
      await delay(500);
    }
  }
}

/** In a quick run the players who left come back in the end and refuse; one who had passed stays so. */
async function endChallenges(database: pg.Client): Promise<void> {
  // A challenge may also come of a status question, when the answer of the call had been lost.
  await delay(20_000);
  const { rows } = await database.query<{ url: string }>(
    `select action_url as url from payments.attempt where state = 'action'`,
  );
  for (const { url } of rows) await answerChallenge(url, 'refused');
}

/** Until no payment is under way, no refund is open, and every stored notice was carried to its workflow. */
export async function untilSettled(database: pg.Client, minutesMax: number): Promise<void> {
  const deadline = performance.now() + minutesMax * 60_000;
  let told = 0;
  for (;;) {
    const { rows } = await database.query<{ deposits: number; refunds: number; webhooks: number }>(
      `select (select count(*)::int from payments.deposit where method = 'card'
           and state not in ('captured', 'failed', 'parked')) as deposits,
         (select count(*)::int from payments.refund where closed_at is null and state <> 'awaiting-approval') as refunds,
         (select count(*)::int from compliance.webhook_inbox where processed_at is null) as webhooks`,
    );
    const [open] = rows;
    if (open?.deposits === 0 && open.refunds === 0 && open.webhooks === 0) return;
    if (performance.now() > deadline) {
      console.log(`Not settled after ${minutesMax} min: ${JSON.stringify(open)}`);
      return;
    }
    if (performance.now() - told > 30_000) {
      console.log(`under way: ${JSON.stringify(open)}`);
      told = performance.now();
    }
    await delay(1_000);
  }
}

function report(made: readonly Made[], { figures, findings, stories }: Proof): readonly string[] {
  const isAmbiguous = made.filter(({ planned }) => planned.fate.isAmbiguous).length;
  const isWrong = findings.some(({ count }) => count > 0);
  if (isWrong) process.exitCode = 1;
  return [
    `${made.length} deposits, ${((isAmbiguous / made.length) * 100).toFixed(1)} % ambiguous by their card`,
    `API's answer p50/p95/p99: ${spread(
      made.map(({ tookMs }) => tookMs),
      0,
    )} ms`,
    ...stories,
    ...figures,
    ...findings.map(
      ({ what, count, examples }) =>
        `${count === 0 ? 'met   ' : 'MISSED'} ${what}: ${count} (wanted 0)${examples.map((example) => `\n         ${example}`).join('')}`,
    ),
  ];
}

/**
 * Crash promises of the wallet: API processes and PostgreSQL are killed under signed load, come back, and every call
 * that was acknowledged is there once, every refused one is not, and every unknown one has become known by repeating it.
 * `CRASH_KILLS` makes it as long as somebody wants; a few are enough to see that it works.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exportLedger } from '#test/support/ledger-export.ts';
import { startOwnPostgres, type OwnPostgres } from '#test/support/own-postgres.ts';
import { createWalletCaller } from '#test/support/wallet-caller.ts';
import { judgeHistory } from '#test/support/wallet-history.ts';
import { createRandom, keepHistory, startLoad } from '#test/support/wallet-load.ts';
import { startWalletRig, type WalletRig } from '#test/support/wallet-rig.ts';

const euro = 10n ** 12n;
const kills = Number(process.env['CRASH_KILLS'] ?? 3);
const seed = Number(process.env['CRASH_SEED'] ?? Date.now() % 1_000_000);
/** The longest that the load may be without an answer after what was killed is back. */
const progressWithinMs = 30_000;

let postgres: OwnPostgres;
let rig: WalletRig;

beforeAll(async () => {
  postgres = await startOwnPostgres();
  rig = await startWalletRig(postgres, { apis: 2 });
}, 120_000);

afterAll(async () => {
  await rig?.close();
  await postgres?.remove();
});

const killApi = async (index: 0 | 1) => {
  await rig.apis[index]?.kill9();
  await rig.apis[index]?.startAgain();
};

/** In turn, so that a short run meets each. */
const disasters: readonly { readonly name: string; readonly strike: () => Promise<void> }[] = [
  { name: 'kill -9 of an API', strike: () => killApi(0) },
  {
    name: 'immediate stop of PostgreSQL',
    strike: async () => {
      await postgres.stopAtOnce();
      await postgres.startAgain();
    },
  },
  {
    name: 'kill -9 of PostgreSQL and of an API',
    strike: async () => {
      await Promise.all([postgres.kill9(), rig.apis[1]?.kill9()]);
      await Promise.all([postgres.startAgain(), rig.apis[1]?.startAgain()]);
    },
  },
  {
    name: 'kill -9 of both APIs',
    strike: async () => {
      await Promise.all([killApi(0), killApi(1)]);
    },
  },
];

test(
  'what was acknowledged survives every crash once, what was refused has no effect, and what was unknown becomes known',
  async () => {
    const random = createRandom(seed);
    const players = await Promise.all(Array.from({ length: 10 }, () => rig.fundedPlayer(200n * euro)));
    const load = startLoad({
      caller: createWalletCaller(rig.keys),
      players,
      apiUrls: rig.apis.map(({ url }) => url),
      clients: 10,
      seed,
      cutPercent: 5,
      duplicatePercent: 10,
    });
    for (let kill = 0; kill < kills; kill += 1) {
      await delay(700 + random.below(1_500));
      const { name, strike } = disasters[kill % disasters.length] ?? { name: '', strike: async () => {} };
      await strike();
      const before = load.acknowledged();
      await expect
        .poll(() => load.acknowledged(), { timeout: progressWithinMs, message: name })
        .toBeGreaterThan(before);
    }
    await delay(500);
    const unsettled = await load.stop();

    // Old calls come again, as a provider's reconciliation would send them.
    const { history, settled } = load;
    const known = new Set(settled);
    for (const movement of [...known].filter((_, index) => index % Math.ceil(known.size / 100) === 0))
      await load.repeat(movement);

    const ledger = await exportLedger(
      rig.db,
      players.map(({ id }) => id),
    );
    const findings = judgeHistory(history, ledger);
    const count = (outcome: string) => history.attempts.filter((one) => one.outcome === outcome).length;
    process.stdout.write(
      `Crash test: seed ${seed}, ${kills} kills, ${count('ok')} acknowledged, ${count('fail')} refused, ` +
        `${count('info')} unknown, ${ledger.journals.length} journals.\n`,
    );
    if (findings.length > 0) process.stdout.write(`The history is kept in ${keepHistory(history)}\n`);
    expect(findings).toEqual([]);
    expect(unsettled).toEqual([]);
    expect(count('ok')).toBeGreaterThan(kills * 10);
    expect(count('info')).toBeGreaterThan(kills);
    expect(await rig.unproven()).toEqual([]);
  },
  120_000 + kills * 60_000,
);

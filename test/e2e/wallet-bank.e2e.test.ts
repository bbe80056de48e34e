/**
 * The bank test: many clients play the same players through two processes, cut a share of their connections, repeat
 * another share and read balances all the while. Afterwards the recorded history is judged against the ledger.
 * `BANK_SECONDS` makes it as long as somebody wants.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { exportLedger } from '#test/support/ledger-export.ts';
import { createWalletCaller } from '#test/support/wallet-caller.ts';
import { judgeHistory } from '#test/support/wallet-history.ts';
import { keepHistory, startLoad } from '#test/support/wallet-load.ts';
import { startWalletRig, type WalletRig } from '#test/support/wallet-rig.ts';

const euro = 10n ** 12n;
const durationS = Number(process.env['BANK_SECONDS'] ?? 8);
const seed = Number(process.env['BANK_SEED'] ?? 20_261_125);

let database: TestDatabase;
let rig: WalletRig;

beforeAll(async () => {
  database = await createTestDatabase();
  rig = await startWalletRig(database, { apis: 2 });
}, 120_000);

afterAll(async () => {
  await rig?.close();
  await database?.drop();
});

test(
  'cut connections, repeats and reads of every balance: nothing is lost, doubled, or shown that never was',
  async () => {
    const players = await Promise.all(Array.from({ length: 20 }, () => rig.fundedPlayer(200n * euro)));
    const load = startLoad({
      caller: createWalletCaller(rig.keys),
      players,
      apiUrls: rig.apis.map(({ url }) => url),
      clients: 16,
      seed,
      cutPercent: 15,
      duplicatePercent: 10,
    });
    await delay(durationS * 1_000);
    const unsettled = await load.stop();
    const { history } = load;
    const ledger = await exportLedger(
      database.db,
      players.map(({ id }) => id),
    );
    const findings = judgeHistory(history, ledger);
    const count = (outcome: string) => history.attempts.filter((one) => one.outcome === outcome).length;
    process.stdout.write(
      `Bank test: seed ${seed}, ${count('ok')} acknowledged, ${count('fail')} refused, ${count('info')} unknown, ` +
        `${history.reads.length} reads, ${ledger.journals.length} journals in ${durationS} s.\n`,
    );
    if (findings.length > 0) process.stdout.write(`The history is kept in ${keepHistory(history)}\n`);
    expect(findings).toEqual([]);
    expect(unsettled).toEqual([]);
    // A test that met nobody would pass as well.
    expect(count('ok')).toBeGreaterThan(durationS * 3);
    expect(count('fail')).toBeGreaterThan(0);
    expect(count('info')).toBeGreaterThan(0);
    expect(history.reads.length).toBeGreaterThan(0);
    expect(await rig.unproven()).toEqual([]);
  },
  (durationS + 120) * 1_000,
);

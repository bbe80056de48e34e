/** What all that matches settlement lines shares: one at a time per PSP, its fee terms, and how its fees are booked. */
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { chargePspFee } from '#activities/wallet/post-house.ts';
import type { Trx } from '#db/connect.ts';
import { orThrow } from '#domain/failures.ts';
import type { FeeTerm } from '#domain/payments/settlement.ts';

/** One reconciliation of a PSP at a time: two would both see a line as the first of its name. */
export const lockPsp = (trx: Trx, psp: string) =>
  sql`select pg_advisory_xact_lock(hashtext(${`reconciliation:${psp}`}))`.execute(trx);

export async function feeTerms(trx: Trx, psp: string): Promise<ReadonlyMap<string, FeeTerm>> {
  const rows = await trx
    .selectFrom('payments.pspFeeTerm')
    .distinctOn('kind')
    .select(['kind', 'bps', 'fixedMinor'])
    .where('psp', '=', psp)
    .orderBy('kind')
    .orderBy('version', 'desc')
    .execute();
  return new Map(rows.map(({ kind, bps, fixedMinor }) => [kind, { bps, fixedMinor: BigInt(fixedMinor) }]));
}

/** Books a fee of a file, or of one line of it, once per `key`. Zero is nothing. */
export async function bookFee(
  trx: Trx,
  fee: {
    readonly key: string;
    readonly fileId: string;
    readonly psp: string;
    readonly brand: string;
    readonly asset: string;
    readonly amount: bigint;
  },
): Promise<void> {
  const { key, fileId, psp, brand, asset, amount } = fee;
  if (amount === 0n) return;
  orThrow(
    await chargePspFee(trx, {
      key,
      brand,
      psp,
      asset,
      amount,
      subject: `settlement:${fileId}`,
      fingerprint: createHash('sha256').update(`${brand}\n${asset}\n${amount}`).digest(),
      actor: { kind: 'system', id: 'reconciliation' },
    }),
  );
}

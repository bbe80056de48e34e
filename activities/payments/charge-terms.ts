/** What each PSP takes for a charge by its newest fee term, kept in the process for some seconds. */
import type { FeeTerm } from '#domain/payments/settlement.ts';
import { rememberShortly } from '../short-memory.ts';

const ageMsMax = 5_000;

const readTerms = rememberShortly<ReadonlyMap<string, FeeTerm>>(ageMsMax, async (db) => {
  const rows = await db
    .selectFrom('payments.pspFeeTerm')
    .distinctOn('psp')
    .select(['psp', 'bps', 'fixedMinor'])
    .where('kind', '=', 'charge')
    .orderBy('psp')
    .orderBy('version', 'desc')
    .execute();
  return new Map(rows.map(({ psp, bps, fixedMinor }) => [psp, { bps, fixedMinor: BigInt(fixedMinor) }]));
});

export const currentChargeTerms = (db: Parameters<typeof readTerms>[0]): ReturnType<typeof readTerms> =>
  readTerms(db, '');

/** What an order of free rounds has to keep to in the dialect that it goes out in. */
import { assets } from '../assets.ts';
import { fail, succeed, type Result } from '../failures.ts';
import { formatDecimal, parseDecimal, parsePayable, type Units } from '../money.ts';
import { traitsOf, type WalletDialect } from './dialects.ts';

export type FreeRoundsTerms = {
  readonly asset: string;
  /** Stake of one round as decimal text; null leaves it to the provider's offer. */
  readonly betValue: string | null;
  readonly days: number;
};

/**
 * The stake in ledger units, or null. Failures: those of an amount, and `invalid-request` for a stake where the wire
 * has no field for it, one finer than the wire, or a validity longer than the dialect allows.
 */
export function checkFreeRounds(dialect: WalletDialect, terms: FreeRoundsTerms): Result<Units | null> {
  const { freeRoundsScale, freeRoundsDaysMax } = traitsOf(dialect);
  if (freeRoundsDaysMax !== null && terms.days > freeRoundsDaysMax) {
    return fail(
      'invalid-request',
      `Free rounds of ${dialect} are valid for ${freeRoundsDaysMax} days at most.`,
      {
        fields: [{ pointer: '/days', detail: `at most ${freeRoundsDaysMax}` }],
      },
    );
  }
  if (terms.betValue === null) return succeed(null);
  if (freeRoundsScale === null) {
    return fail('invalid-request', `The stake of free rounds cannot be said in ${dialect}.`, {
      fields: [{ pointer: '/betValue', detail: 'leave it out' }],
    });
  }
  const units = parsePayable({ amount: terms.betValue, asset: terms.asset });
  if (!units.ok) return units;
  const onWire = parseDecimal(terms.betValue, freeRoundsScale);
  return onWire.ok ? units : onWire;
}

/** The stake as the adapters take it: plain decimal text without needless zeros. */
export const betValueText = (units: Units, asset: string): string =>
  formatDecimal(units, assets.get(asset)?.ledgerScale ?? 12);

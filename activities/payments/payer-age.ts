/** How old a payer is, out of the sealed date of birth, which leaves this file for nobody. */
import { ageOn } from '#domain/pam/registration.ts';
import type { ActivityDeps } from '../deps.ts';
import { unsealPersonalData } from '../personal-data.ts';
import type { PayerFacts } from './payer-facts.ts';

/**
 * In whole years on the day (UTC) of the database; null where there is nothing to read, or no key that reads it. A
 * deposit does not fail for a fact that rules may do without.
 */
export function ageOfPayer(
  keyRing: ActivityDeps['keyRing'] | undefined,
  playerId: string,
  facts: Pick<PayerFacts, 'sealedIdentity' | 'nowUs'> | null,
): number | null {
  if (keyRing === undefined || facts === null || facts.sealedIdentity === null) return null;
  const today = new Date(Number(facts.nowUs / 1_000n)).toISOString().slice(0, 10);
  try {
    return ageOn(unsealPersonalData(keyRing, playerId, 'aml', facts.sealedIdentity).dateOfBirth, today);
  } catch {
    return null;
  }
}

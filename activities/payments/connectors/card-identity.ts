/** What PSPs tell of a card, checked and in one form; the fingerprint becomes a keyed hash before anything keeps it. */
import { networkName } from '#domain/payments/network-codes.ts';
import type { CardIdentity } from '#domain/payments/outcome.ts';
import type { ActivityDeps } from '../../deps.ts';

type Told = string | null | undefined;

/** Null where the PSP gives the card no name of its own: then only its token is known. */
export function cardIdentity(told: {
  readonly fingerprint: Told;
  readonly network: Told;
  readonly bin: Told;
  readonly country: Told;
}): CardIdentity | null {
  const fingerprint = told.fingerprint ?? '';
  if (fingerprint.length < 4 || fingerprint.length > 200) return null;
  const network = networkName(told.network ?? '');
  const country = told.country?.toUpperCase() ?? '';
  return {
    fingerprint,
    network: /^[a-z]{2,20}$/.test(network) ? network : null,
    bin: /^\d{6,8}$/.test(told.bin ?? '') ? (told.bin ?? null) : null,
    country: /^[A-Z]{2}$/.test(country) ? country : null,
  };
}

export type KeyedCard = Omit<CardIdentity, 'fingerprint'> & { readonly fingerprint: Buffer };

/** Names of cards are each PSP's own, so the PSP is part of what is hashed. */
export const keyedCard = (
  keyRing: Pick<ActivityDeps['keyRing'], 'blindIndex'>,
  psp: string,
  card: CardIdentity,
): KeyedCard => ({
  ...card,
  fingerprint: keyRing.blindIndex(`card\n${psp}\n${card.fingerprint}`),
});

/** What is known of a payment and its payer, by the names that rules have for it: one list for all rules that are asked. */
import { publicAddress } from '#activities/public-address.ts';
import type { KycLevel } from '#domain/kyc/levels.ts';
import type { Units } from '#domain/money.ts';
import { isDown, type PspReach } from '#domain/payments/deposit-methods.ts';
import type { PaymentFlow } from '#domain/payments/payment-rules.ts';
import type { RuleValue } from '#domain/rules/rule-types.ts';
import type { PayerFacts } from './payer-facts.ts';

export type PayerCard = PayerFacts['cards'][number];

/** What is known of the card that a PSP would be given. */
export type CardAt = { readonly card: PayerCard | null; readonly brand: string | null };

export const unknownCard: CardAt = { card: null, brand: null };

export const onlyCard = ({ cards, cardBrand }: PayerFacts): CardAt => ({
  card: cards[0] ?? null,
  brand: cardBrand,
});

export type AskedPayment = {
  readonly brand: string;
  readonly jurisdiction: string;
  readonly method: string;
  readonly asset: string;
  /** Null where a list of methods is asked for. */
  readonly amount: Units | null;
  readonly kycLevel: KycLevel;
  /** In years; null where the date of birth is not read, or cannot be. */
  readonly age: number | null;
  readonly ip: string | null;
  readonly billingCountry?: string;
};

export function depositFacts(
  asked: AskedPayment,
  player: PayerFacts,
  { card, brand }: CardAt,
): Map<string, RuleValue> {
  const isCounted = publicAddress(asked.ip) !== null;
  return new Map<string, RuleValue>([
    ['brand', asked.brand],
    ['jurisdiction', asked.jurisdiction],
    ['method', asked.method],
    ['currency', asked.asset],
    [`amount.${asked.asset}`, asked.amount],
    ['requestedAt', player.nowUs],
    ['player.country', player.country],
    ['player.kycLevel', asked.kycLevel],
    ['player.accountAge', player.accountAgeUs],
    ['player.deposits', player.deposits],
    ['player.tier', player.tier],
    ['player.age', asked.age === null ? null : BigInt(asked.age)],
    ['player.fraudScore', player.fraudScore],
    ['ip.country', player.ipCountry],
    ['billing.country', asked.billingCountry ?? null],
    ['card.brand', brand],
    ['card.bin', card?.bin ?? null],
    ['card.country', card?.country ?? null],
    ['card.type', card?.type ?? null],
    ['bank.name', card?.issuer ?? null],
    ['bank.country', card?.issuerCountry ?? null],
    ['list.grey', player.listed.some(({ list }) => list === 'grey')],
    ['list.white', player.listed.some(({ list }) => list === 'white')],
    ['uses.player24h', player.uses.player],
    ['uses.card24h', player.cards.length === 0 ? null : player.uses.card],
    ['uses.device1h', player.deviceId === null ? null : player.uses.device],
    ['uses.ip1h', isCounted ? player.uses.ip : null],
    ['uses.ipDeclinedCards1h', isCounted ? player.uses.ipDeclinedCards : null],
  ]);
}

/** The same with the PSPs of the method; null where it needs none. */
export function eligibilityFacts(
  asked: AskedPayment,
  player: PayerFacts,
  at: CardAt,
  psps: { readonly offered: readonly string[]; readonly health: ReadonlyMap<string, PspReach> } | null,
): Map<string, RuleValue> {
  const facts = depositFacts(asked, player, at);
  const reached = psps?.offered.filter((psp) => !isDown(psps.health.get(psp)));
  facts.set('psps.offered', psps === null ? null : BigInt(psps.offered.length));
  facts.set('psps.reached', reached === undefined ? null : BigInt(reached.length));
  return facts;
}

/** The same for conditions of limits, which are asked in every flow. */
export function limitFacts(
  asked: AskedPayment & { readonly flow: PaymentFlow },
  player: PayerFacts,
): Map<string, RuleValue> {
  const facts = depositFacts(asked, player, onlyCard(player));
  facts.set('flow', asked.flow);
  return facts;
}

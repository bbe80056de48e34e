/** A bet's row in the words of the rules, and the keys and payments that follow from a settlement. */
import { createHash } from 'node:crypto';
import { ownIntegration } from '#activities/wallet/post.ts';
import { payableUnitOf } from '#domain/games/book/limits.ts';
import type { Settlement, BetTerms, Paid } from '#domain/games/book/settlement.ts';
import type { BookPayCode, BookPayCommand } from '#domain/wallet/book-commands.ts';
import type { Units } from '#domain/money.ts';

/** What settling needs of a bet's row. */
export type BetRow = {
  readonly id: string;
  readonly playerId: string;
  readonly brand: string;
  readonly asset: string;
  readonly stake: string;
  readonly payout: string;
  readonly payoutMax: string;
  readonly settlementVersion: number;
  readonly stakeJournalId: string;
  readonly placedAt: Date;
  readonly outcome: string | null;
  readonly firstSettledAt: Date | null;
};

export const termsOf = (bet: BetRow, odds: readonly bigint[]): BetTerms => ({
  stake: BigInt(bet.stake),
  payoutMax: BigInt(bet.payoutMax),
  payableUnit: payableUnitOf(bet.asset),
  odds,
});

export const paidOf = (bet: BetRow): Paid => ({
  settlementVersion: bet.settlementVersion,
  payout: BigInt(bet.payout),
  isVoid: bet.outcome === 'void',
});

export const betSubject = (betId: string): string => `bet:${betId}`;
export const stakeKey = (betId: string): string => `bet:${betId}:stake`;
export const settleKey = (betId: string, version: number): string => `bet:${betId}:settle:v${version}`;
export const cashOutKey = (betId: string): string => `bet:${betId}:cash-out`;

/** The wallet's command for a settlement that moves money. */
export const settlementCommand = (
  bet: BetRow,
  { version, delta, outcome }: Settlement,
  code: BookPayCode,
): BookPayCommand => payCommand(bet, settleKey(bet.id, version), delta, code, outcome === 'void');

export function payCommand(
  bet: BetRow,
  externalId: string,
  delta: Units,
  code: BookPayCode,
  isVoid = false,
): BookPayCommand {
  return {
    kind: 'book-pay',
    code,
    key: { integration: ownIntegration, externalId },
    playerId: bet.playerId,
    asset: bet.asset,
    fingerprint: createHash('sha256').update(`${externalId}\n${code}\n${delta}`).digest('hex'),
    subject: betSubject(bet.id),
    delta,
    stake: BigInt(bet.stake),
    placedAtMs: bet.placedAt.getTime(),
    settledAtMs: bet.firstSettledAt?.getTime() ?? null,
    wasVoid: bet.outcome === 'void',
    isVoid,
    answers: bet.stakeJournalId,
  };
}

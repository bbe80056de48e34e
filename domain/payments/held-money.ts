/**
 * What may be decided about money that a confirmed match with a list holds back, for which reasons, and the text that the
 * second person's word is bound to. Nothing here gives it back to the balance: it would be at the disposal of the listed.
 */
import { fail, succeed, type Result } from '../failures.ts';
import type { Units } from '../money.ts';

/** `keep`: it stays held; `pay`: the withdrawal goes on to where it was planned; `forfeit`: it goes to who ordered it. */
export const heldMoneyDecisions = ['keep', 'pay', 'forfeit'] as const;
export type HeldMoneyDecision = (typeof heldMoneyDecisions)[number];

export const heldMoneyReasons = [
  'asset-freeze',
  'under-investigation',
  'payment-licensed',
  'delisted',
  'list-without-freeze',
  'court-order',
  'authority-order',
] as const;
export type HeldMoneyReason = (typeof heldMoneyReasons)[number];

type ReasonRule = {
  readonly decision: HeldMoneyDecision;
  /** The licence, the notice or the order by its own number. */
  readonly needsReference: boolean;
};

const reasons: Readonly<Record<HeldMoneyReason, ReasonRule>> = {
  'asset-freeze': { decision: 'keep', needsReference: false },
  'under-investigation': { decision: 'keep', needsReference: false },
  'payment-licensed': { decision: 'pay', needsReference: true },
  delisted: { decision: 'pay', needsReference: true },
  // Political exposure and adverse media freeze nothing.
  'list-without-freeze': { decision: 'pay', needsReference: false },
  'court-order': { decision: 'forfeit', needsReference: true },
  'authority-order': { decision: 'forfeit', needsReference: true },
};

/** Kinds of lists, in the vendor's words, that freeze nothing; one that nobody has thought about does. */
const freezeNothing: readonly string[] = ['pep', 'adverse-media'];

export type HeldMoneyWish = {
  readonly decision: HeldMoneyDecision;
  readonly reasonCode: HeldMoneyReason;
  readonly reference: string | null;
};

/** Failure: `invalid-request` (a reason for another decision, a reference that is missing, a list that does freeze). */
export function checkHeldMoneyWish(wish: HeldMoneyWish, lists: readonly string[]): Result<null> {
  const rule = reasons[wish.reasonCode];
  if (rule.decision !== wish.decision)
    return refuse('/reasonCode', `That is a reason for ${rule.decision}, not for ${wish.decision}.`);
  if (rule.needsReference && wish.reference === null)
    return refuse('/reference', 'This reason needs the number of the licence, notice or order.');
  if (wish.reasonCode === 'list-without-freeze' && lists.some((list) => !freezeNothing.includes(list)))
    return refuse('/reasonCode', 'The match is with a list that freezes money.');
  return succeed(null);
}

/** The text whose SHA-256 the second person's word is bound to. */
export const heldMoneyContent = (
  proposal: HeldMoneyWish & {
    readonly id: string;
    readonly withdrawalId: string;
    readonly screeningId: string;
    readonly asset: string;
    readonly amount: Units;
    readonly note: string;
  },
): string =>
  [
    'held-money',
    proposal.id,
    proposal.withdrawalId,
    proposal.screeningId,
    proposal.asset,
    proposal.amount.toString(),
    proposal.decision,
    proposal.reasonCode,
    proposal.reference ?? '',
    proposal.note,
  ].join('\n');

const refuse = (pointer: string, detail: string) =>
  fail('invalid-request', detail, { fields: [{ pointer, detail }] });

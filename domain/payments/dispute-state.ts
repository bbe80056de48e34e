/**
 * A dispute in canonical words, whatever the PSP calls its steps: how a later word changes an earlier one, and which of
 * the movements that a PSP names may be booked now. Pure, so that reordering and repetition can be tried at length.
 */
import type { MoneyText } from '../money.ts';

export const disputeStages = ['inquiry', 'chargeback', 'second-chargeback'] as const;
export type DisputeStage = (typeof disputeStages)[number];

export const disputeStatuses = [
  'noticed',
  'needs-response',
  'under-review',
  'won',
  'lost',
  'closed',
] as const;
export type DisputeStatus = (typeof disputeStatuses)[number];

export type DisputePlace = { readonly stage: DisputeStage; readonly status: DisputeStatus };

export type DisputeMovement = {
  /** The PSP's name of the movement; books it once for ever. */
  readonly reference: string;
  readonly kind: 'withdrawn' | 'reinstated';
  readonly money: MoneyText;
};

/** What a PSP answers when it is asked about a dispute. */
export type DisputeTold = DisputePlace & {
  readonly kind: 'told';
  readonly reason: string | null;
  /** ISO time until which evidence is taken; null where there is none. */
  readonly evidenceDueAt: string | null;
  readonly money: MoneyText | null;
  /** In the order in which they happened, as far as the PSP knows it. */
  readonly movements: readonly DisputeMovement[];
};

export type DisputeOutcome = DisputeTold | { readonly kind: 'unknown'; readonly reason: string };

/** What became of an answer of ours: `unknown` and `not_sent` are asked again under the same key. */
export type DisputeAnswer =
  | { readonly kind: 'taken' }
  | { readonly kind: 'refused'; readonly rawCode: string }
  | { readonly kind: 'not_sent' | 'unknown'; readonly reason: string };

export const isDisputeOver = ({ status }: DisputePlace): boolean =>
  status === 'won' || status === 'lost' || status === 'closed';

const statusRank: Record<DisputeStatus, number> = {
  noticed: 0,
  'needs-response': 1,
  'under-review': 2,
  won: 3,
  lost: 3,
  closed: 3,
};

export type DisputeStep = {
  readonly place: DisputePlace;
  /** The PSP says another end than it said before; the first one stays and a person looks at it. */
  readonly isContradiction: boolean;
};

/**
 * Where a dispute stands after a PSP said `told`. A later stage opens it again, unless it was lost; an earlier stage, or
 * an earlier step of the same stage, is old news.
 */
export function stepDispute(known: DisputePlace, told: DisputePlace): DisputeStep {
  const stay: DisputeStep = { place: known, isContradiction: false };
  const [before, after] = [disputeStages.indexOf(known.stage), disputeStages.indexOf(told.stage)];
  if (after < before) return stay;
  if (after > before) {
    return known.stage === 'chargeback' && known.status === 'lost'
      ? { place: known, isContradiction: true }
      : { place: { stage: told.stage, status: told.status }, isContradiction: false };
  }
  if (isDisputeOver(known))
    return { place: known, isContradiction: isDisputeOver(told) && told.status !== known.status };
  return statusRank[told.status] > statusRank[known.status]
    ? { place: { stage: told.stage, status: told.status }, isContradiction: false }
    : stay;
}

/**
 * The movements that may be booked now: taking and giving back alternate, so one that came before its counterpart waits
 * for it. `booked` are the references and kinds of those that are booked, in their order.
 */
export function bookableMovements(
  booked: readonly Pick<DisputeMovement, 'reference' | 'kind'>[],
  told: readonly DisputeMovement[],
): { readonly now: readonly DisputeMovement[]; readonly waiting: readonly DisputeMovement[] } {
  const known = new Set(booked.map(({ reference }) => reference));
  const open = told.filter(({ reference }) => !known.has(reference));
  const now: DisputeMovement[] = [];
  let isOut = booked.at(-1)?.kind === 'withdrawn';
  for (;;) {
    const index = open.findIndex(({ kind }) => (kind === 'withdrawn') !== isOut);
    const [next] = index < 0 ? [] : open.splice(index, 1);
    if (next === undefined) return { now, waiting: open };
    now.push(next);
    isOut = next.kind === 'withdrawn';
  }
}

/** Where a capture or a void of an authorisation stands, and the text that a second person decides on. */
import type { Units } from '../money.ts';

export const modificationKinds = ['capture', 'void'] as const;
export type ModificationKind = (typeof modificationKinds)[number];

export const modificationStates = [
  'requested',
  'awaiting-approval',
  'approved',
  'submitted',
  'done',
  'refused',
  'parked',
] as const;

export type ModificationState = (typeof modificationStates)[number];

export function modificationStateOf(text: string): ModificationState {
  const state = modificationStates.find((known) => known === text);
  if (state === undefined) throw new Error(`Invariant broken: modification state ${text}`);
  return state;
}

export function modificationKindOf(text: string): ModificationKind {
  const kind = modificationKinds.find((known) => known === text);
  if (kind === undefined) throw new Error(`Invariant broken: modification kind ${text}`);
  return kind;
}

/** The text whose SHA-256 the decision of the second person is bound to. */
export const modificationContent = (modification: {
  readonly id: string;
  readonly kind: ModificationKind;
  readonly depositId: string;
  readonly playerId: string;
  readonly asset: string;
  readonly amount: Units;
  readonly reason: string;
  readonly isFinal: boolean;
}): string =>
  [
    'modification',
    modification.id,
    modification.kind,
    modification.depositId,
    modification.playerId,
    modification.asset,
    modification.amount.toString(),
    modification.reason,
    // What was decided on before there were several captures keeps its text.
    ...(modification.isFinal ? [] : ['not-final']),
  ].join('\n');

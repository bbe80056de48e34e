/** Branded ids: a deposit's id cannot be passed where a player's is meant. All are UUIDs made by the caller's edge. */
type Id<Name extends string> = string & { readonly __id: Name };

export type PlayerId = Id<'player'>;
export type SessionId = Id<'session'>;
export type OperatorId = Id<'operator'>;
export type DepositId = Id<'deposit'>;
export type WithdrawalId = Id<'withdrawal'>;
export type VerificationId = Id<'verification'>;
export type AwardId = Id<'award'>;
export type JournalId = Id<'journal'>;
export type LimitChangeId = Id<'limit-change'>;

const uuidForm = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Narrows a string to an id; throws on anything that is not a lower-case UUID, since edges have validated by then. */
export function asId<T extends Id<string>>(text: string): T {
  if (!uuidForm.test(text)) throw new Error(`Invariant broken: "${text.slice(0, 40)}" is not an id`);
  return text as T;
}

/** The order of PSPs of a deposit: the rules name shares and orders, and the deposit's own id says which share it is. */
import type { CompiledDecision, TraceStep } from '../rules/decide.ts';
import { decide } from '../rules/decide.ts';
import type { Facts } from '../rules/rule-types.ts';
import { bucketOf, shareAt } from '../rules/volume-split.ts';
import type { RoutingOutcome } from './routing.schema.ts';

export type Routed = {
  /** In the order in which they are to be tried; empty when no rule holds and there is no default. */
  readonly psps: readonly string[];
  /** The rule that decided, null for the default. */
  readonly row: string | null;
  /** Where in the volume the deposit fell, 0 to 9999. */
  readonly bucket: number;
  readonly trace: readonly TraceStep[];
};

/**
 * Deterministic: the same rules, facts and deposit give the same order on every process and in every replay.
 * Every row splits the volume by itself, so that a share of one row says nothing about those of another.
 */
export function routeDeposit(
  rules: CompiledDecision<RoutingOutcome>,
  facts: Facts,
  depositId: string,
): Routed {
  const { outcomes, rows, trace } = decide(rules, facts);
  const row = rows[0] ?? null;
  const bucket = bucketOf(depositId, row ?? '');
  const [outcome] = outcomes;
  return { psps: outcome === undefined ? [] : shareAt(outcome.split, bucket).psps, row, bucket, trace };
}

/**
 * One order out of those that the rules give for each card, where the tokens of one request are of several: a PSP stands
 * where the rules put it for the card that it would be given. Equal places go by the brand's own order.
 */
export function mergeOrders(
  orders: readonly { readonly takes: ReadonlySet<string>; readonly psps: readonly string[] }[],
  offered: readonly string[],
): readonly string[] {
  const places = orders.flatMap(({ takes, psps }) =>
    psps.flatMap((psp, place) => (takes.has(psp) ? [{ psp, place }] : [])),
  );
  const rank = (psp: string): number => (offered.includes(psp) ? offered.indexOf(psp) : offered.length);
  return places
    .toSorted((a, b) => a.place - b.place || rank(a.psp) - rank(b.psp) || (a.psp < b.psp ? -1 : 1))
    .map(({ psp }) => psp);
}

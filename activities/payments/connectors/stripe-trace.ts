/**
 * Finds a call of ours among Stripe's objects by our own reference, and says what a miss proves. Stripe's search lags
 * behind, its lists do not; a list knows no references, so it is read around the instant at which the call was made.
 */
import type Stripe from 'stripe';

/** How far apart our clocks and Stripe's may be while a search around our own time can still see everything. */
const skewMsMax = 30 * 60_000;

/** On both sides of the call: twice what clocks may differ by, so that what we look for is never near an edge. */
const reachMs = 2 * skewMsMax;

/** Nearly every lost answer is found here, however busy the account. */
const nearMs = 2 * 60_000;

/** Pages of a hundred; an account with more within two hours is not searched to its end. */
const pagesMax = 200;

type Traceable = { readonly id: string; readonly metadata: Stripe.Metadata | null };

type ListParams = {
  readonly limit: number;
  readonly created: { readonly gte: number; readonly lte: number };
  readonly starting_after?: string;
};

type Page<T> = {
  readonly data: readonly T[];
  readonly has_more: boolean;
  readonly lastResponse: { readonly headers: Readonly<Record<string, string>> };
};

export type Trace = { readonly id: string } | { readonly id: null; readonly isAbsent: boolean };

export type TracedOrder = { readonly reference: string; readonly sentAt: Date; readonly ageMs: number };

/**
 * `isAbsent`: there was nothing when all of the window had been read, by a PSP whose clock agrees with ours. A list that
 * was cut, by its length or by `withinMs`, proves nothing.
 */
export async function traceAtStripe<T extends Traceable>(
  list: (params: ListParams) => Promise<Page<T>>,
  order: TracedOrder,
  withinMs: number,
): Promise<Trace> {
  const deadline = performance.now() + withinMs;
  const near = await readAround(list, order, nearMs, deadline);
  if (near.id !== null) return near;
  const wide = await readAround(list, order, reachMs, deadline);
  if (wide.id !== null) return wide;
  return { id: null, isAbsent: wide.isComplete && wide.isTimely };
}

type Reading =
  | { readonly id: string }
  | { readonly id: null; readonly isComplete: boolean; readonly isTimely: boolean };

async function readAround<T extends Traceable>(
  list: (params: ListParams) => Promise<Page<T>>,
  order: TracedOrder,
  aroundMs: number,
  deadline: number,
): Promise<Reading> {
  const created = {
    gte: Math.floor((order.sentAt.getTime() - aroundMs) / 1_000),
    lte: Math.ceil((order.sentAt.getTime() + aroundMs) / 1_000),
  };
  let after: string | undefined;
  for (let pages = 1; ; pages += 1) {
    const page = await list({
      limit: 100,
      created,
      ...(after === undefined ? {} : { starting_after: after }),
    });
    const ours = page.data.find(({ metadata }) => metadata?.['reference'] === order.reference);
    if (ours !== undefined) return { id: ours.id };
    after = page.data.at(-1)?.id;
    const isComplete = !page.has_more || after === undefined;
    if (isComplete || pages === pagesMax || performance.now() > deadline)
      return { id: null, isComplete, isTimely: agrees(page.lastResponse.headers['date'], order) };
  }
}

/** What is now by our clock, as the call's instant and its age tell it, against the time of Stripe's answer. */
function agrees(date: string | undefined, { sentAt, ageMs }: TracedOrder): boolean {
  const theirs = Date.parse(date ?? '');
  // False, too, where the answer tells no time.
  return Math.abs(theirs - (sentAt.getTime() + ageMs)) <= skewMsMax;
}

/** Charges at PSPs under references that we had called proven not sent: each would have let another attempt charge, too. */

type Told = {
  readonly movements: readonly { readonly kind: string; readonly paymentId: string | null }[];
  readonly payments: readonly { readonly id: string; readonly reference: string | null }[];
};

/** A charge that was given back counts as well: the proof was wrong. `psp reference`, sorted. */
export function chargesOfUnsent(
  books: Readonly<Record<string, Told>>,
  unsent: ReadonlySet<string>,
): readonly string[] {
  const found = Object.entries(books).flatMap(([psp, { movements, payments }]) => {
    const charged = new Set(
      movements.flatMap(({ kind, paymentId }) =>
        kind === 'charge' && paymentId !== null ? [paymentId] : [],
      ),
    );
    return payments.flatMap(({ id, reference }) =>
      reference !== null && unsent.has(reference) && charged.has(id) ? [`${psp} ${reference}`] : [],
    );
  });
  return [...new Set(found)].toSorted();
}

/**
 * References of every attempt of a deposit that was ever closed as not sent. A row forgets it when money comes late; its event does
 * not, and an attempt that was never claimed has no event but keeps its code.
 */
export const unsentQuery = `
  select a.reference from payments.attempt a
  where a.state = 'not_sent' or (a.state = 'late_approved' and a.raw_code = 'never sent')
  union
  select (o.payload ->> 'subject') || ':a' || (o.payload ->> 'attempt') from compliance.outbox o
  where o.type = 'payments.attempt.resolved' and o.payload ->> 'outcome' = 'not_sent'
    and o.payload ->> 'subject' like 'deposit:%'`;

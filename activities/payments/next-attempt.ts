/**
 * Reserves a further attempt of a deposit: by then PSPs have told whose card it is, so rules and lists are asked again, and
 * the player may have excluded himself.
 */
import { sql } from 'kysely';
import { z } from 'zod';
import type { Trx } from '#db/connect.ts';
import type { DeclineClass } from '#domain/payments/decline-class.ts';
import { retryGuards, type RetryRule } from '#domain/payments/retry-rules.ts';
import { neutralRefusal, type Refusal } from '#domain/payments/uses.ts';
import { attemptInsert } from './commands/request-deposit.ts';
import { refusalOfStop, stopOf } from './payer-standing.ts';
import type { DepositRow } from './payment-rows.ts';
import { takeUses } from './payment-uses.ts';
import { appendResolution } from './record-outcome.ts';
import { methodOf } from './three-ds-columns.ts';

type NextAttempt = {
  readonly depositId: string;
  readonly number: number;
  readonly psp: string;
  readonly token: string;
  readonly stepUp: boolean;
};

const known = z.object({
  deviceId: z.string().nullable(),
  ip: z.string().nullable(),
  cards: z.array(z.object({ id: z.string(), network: z.string().nullable() })),
  blackEntry: z.string().nullable(),
  stop: z.enum(['exclusion', 'account']).nullable(),
});

/** The attempt's row exists afterwards; a refusal means that it must not be sent. Limits of the brand were asked for the deposit. */
export async function reserveAttempt(
  trx: Trx,
  deposit: DepositRow,
  attempt: NextAttempt,
  retryRules: readonly RetryRule[],
): Promise<Refusal | null> {
  const { deviceId, ip, cards, blackEntry, stop } = await readCounted(trx, deposit);
  const amount = BigInt(deposit.amount);
  const refusal = await takeUses(
    trx,
    {
      payment: `deposit:${deposit.id}`,
      number: attempt.number,
      flow: 'deposit',
      method: methodOf(deposit),
      asset: deposit.asset,
      amount,
      psp: attempt.psp,
      playerId: deposit.playerId,
      cardIds: cards.map(({ id }) => id),
      tokens: [],
      deviceId,
      ip,
    },
    retryGuards(retryRules, { cards, asset: deposit.asset, amount, psp: attempt.psp }),
    attemptInsert(attempt),
  );
  if (stop !== null) return refusalOfStop(stop);
  return refusal ?? (blackEntry === null ? null : neutralRefusal(`list-entry:${blackEntry}`));
}

/** On whom the earlier attempts were counted, and whether the card has come to be known as one of the black list. */
async function readCounted(trx: Trx, deposit: DepositRow): Promise<z.infer<typeof known>> {
  const { rows } = await sql<{ counted: unknown }>`
    with subjects as (
      select distinct split_part(subject, ':', 1) as kind, substr(subject, strpos(subject, ':') + 1) as name, card_id
      from payments.payment_use where payment = ${`deposit:${deposit.id}`}
    ),
    cards as (
      select distinct c.id, c.network, c.bin, c.id = s.card_id as is_own
      from subjects s join payments.card c on s.kind = 'card' and c.id::text = s.name
    )
    select jsonb_build_object(
      'deviceId', (select min(name) from subjects where kind = 'device'),
      'ip', (select min(name) from subjects where kind = 'ip'),
      'stop', ${stopOf(sql`${deposit.playerId}::uuid`)},
      'cards', coalesce((select jsonb_agg(jsonb_build_object('id', id, 'network', network) order by is_own desc, id) from cards), '[]'),
      'blackEntry', (
        select l.id from payments.list_entry l, cards c
        where l.brand = ${deposit.brand} and l.list = 'black' and l.ended_at is null
          and (l.expires_at is null or l.expires_at > now())
          and ((l.kind = 'card' and l.key = c.id::text)
            or (l.kind = 'bin' and l.key in (left(c.bin, 6), left(c.bin, 7), left(c.bin, 8))))
        limit 1
      )
    ) as counted`.execute(trx);
  return known.parse(rows[0]?.counted);
}

/** Declined by ourselves: its class tells the cascade to stop, and that it was never sent says who declined. */
export async function closeForbidden(
  trx: Trx,
  deposit: DepositRow,
  { number }: { readonly number: number },
  { code, by }: Refusal,
): Promise<void> {
  const declineClass: DeclineClass = code === 'payment-limit-exceeded' ? 'soft_later' : 'hard_never';
  const closed = await trx
    .updateTable('payments.attempt')
    .set({ state: 'declined', declineClass, rawCode: by.slice(0, 100), resolvedAt: sql<Date>`now()` })
    .where('depositId', '=', deposit.id)
    .where('number', '=', number)
    .where('state', '=', 'started')
    .where('sentAt', 'is', null)
    .returningAll()
    .executeTakeFirst();
  if (closed !== undefined) await appendResolution(trx, deposit, closed);
}

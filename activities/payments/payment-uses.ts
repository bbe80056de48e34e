/**
 * Counts a payment on its card, player, device and address in the transaction that reserves it. Who is asked about is
 * locked until that transaction ends, so that of two payments that race the second one counts the first.
 */
import { sql, type RawBuilder } from 'kysely';
import { z } from 'zod';
import { publicAddress } from '#activities/public-address.ts';
import type { Trx } from '#db/connect.ts';
import { subjectsOf, type PaymentFlow, type PaymentMethod } from '#domain/payments/payment-rules.ts';
import { firstRefusal, type Refusal, type Tally, type UseGuard } from '#domain/payments/uses.ts';

export type PaymentUse = {
  /** `deposit:{id}`, `withdrawal:{id}` or `ramp:{id}`. */
  readonly payment: string;
  readonly number: number;
  readonly flow: PaymentFlow;
  readonly method: PaymentMethod;
  readonly asset: string;
  /** Units at ledger scale. */
  readonly amount: bigint;
  readonly psp: string | null;
  readonly playerId: string;
  /** The first one is the card's own name; a new card takes the id of its first payment. */
  readonly cardIds: readonly string[];
  /** Kept as names of the card. */
  readonly tokens: readonly { readonly psp: string; readonly token: string }[];
  readonly deviceId: string | null;
  readonly ip: string | null;
};

const talliesSchema = z.array(
  z.object({
    uses: z.number(),
    payments: z.number(),
    cards: z.number(),
    total: z.string().transform(BigInt),
    nextS: z.number().nullable(),
  }),
);

/**
 * Writes the uses and gives the first refusal of the guards; the caller then undoes its transaction, or closes what it
 * has reserved. A use that was written before stays as it is, and is not counted against itself.
 * @param beside runs in the same statement
 */
export async function takeUses(
  trx: Trx,
  use: PaymentUse,
  guards: readonly UseGuard[],
  beside?: RawBuilder<unknown>,
): Promise<Refusal | null> {
  const wish = JSON.stringify({
    payment: use.payment,
    number: use.number,
    flow: use.flow,
    method: use.method,
    asset: use.asset,
    amount: use.amount.toString(),
    psp: use.psp,
    playerId: use.playerId,
    cardId: use.cardIds[0] ?? null,
    tokens: use.tokens,
    subjects: subjectsOf({ ...use, ip: publicAddress(use.ip) }),
    probes: guards.map(({ probe }) => probe),
  });
  const { rows } = await sql<{ tallies: unknown }>`
    ${beside === undefined ? sql`` : sql`with beside as (${beside})`}
    select payments.take_uses(${wish}::jsonb) as tallies`.execute(trx);
  const tallies: Tally[] = talliesSchema.parse(rows[0]?.tallies);
  return firstRefusal(guards, tallies);
}

/** The legs of a withdrawal: each is paid or given back once, and the last one that ends ends the withdrawal. */
import { sql } from 'kysely';
import type { Selectable } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import { confirmedScreening } from '#activities/kyc/commands/screenings.ts';
import { postTransfer } from '#activities/wallet/post.ts';
import type { Database, Trx } from '#db/connect.ts';
import type { PaymentsWithdrawalLeg } from '#db/schema.generated.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import { toMoneyText, type MoneyText } from '#domain/money.ts';
import { closeWorkItems } from './commands/work-items.ts';
import type { WithdrawalRow } from './payment-rows.ts';

export type LegRow = Selectable<PaymentsWithdrawalLeg>;

export type LegView = { readonly leg: number; readonly state: string };

/** Those that still stand for a part of the amount, in order. */
export const readLegs = (db: Database | Trx, withdrawalId: string): Promise<LegView[]> =>
  db
    .selectFrom('payments.withdrawalLeg')
    .select(['leg', 'state'])
    .where('withdrawalId', '=', withdrawalId)
    .where('state', '<>', 'rerouted')
    .orderBy('leg')
    .execute();

export const mustLeg = (trx: Database | Trx, withdrawalId: string, leg: number): Promise<LegRow> =>
  trx
    .selectFrom('payments.withdrawalLeg')
    .selectAll()
    .where('withdrawalId', '=', withdrawalId)
    .where('leg', '=', leg)
    .executeTakeFirstOrThrow();

/** What arrives at the player's: the leg without its fee. */
export const payoutOf = (leg: Pick<LegRow, 'amount' | 'fee'>): bigint => BigInt(leg.amount) - BigInt(leg.fee);

/** Leg 1 keeps the key that a withdrawal had before there were legs: money that was booked then is booked. */
const keyOf = (row: Pick<WithdrawalRow, 'id'>, what: string, leg: number): string =>
  leg === 1 ? `withdrawal:${row.id}:${what}` : `withdrawal:${row.id}:${what}:${leg}`;

/** Books a payout that was made: the money and the fee leave the hold. The withdrawal's row is locked by the caller. */
export async function settleLeg(trx: Trx, row: WithdrawalRow, leg: LegRow, psp: string): Promise<void> {
  const subject = `withdrawal:${row.id}`;
  const common = { playerId: row.playerId, asset: row.asset, subject };
  orThrow(
    await postTransfer(trx, {
      ...common,
      key: keyOf(row, 'settle', leg.leg),
      amount: payoutOf(leg),
      transfer: { code: 'withdrawal.settle', psp },
    }),
  );
  if (BigInt(leg.fee) > 0n) {
    orThrow(
      await postTransfer(trx, {
        ...common,
        key: keyOf(row, 'fee', leg.leg),
        amount: BigInt(leg.fee),
        transfer: { code: 'withdrawal.fee' },
      }),
    );
  }
  await closeLeg(trx, leg, { state: 'paid', paidPsp: psp });
  await appendEvent(
    trx,
    {
      type: 'payments.payout.paid',
      version: 1,
      brand: row.brand,
      playerId: row.playerId,
      payload: {
        withdrawalId: row.id,
        leg: leg.leg,
        money: toMoneyText(payoutOf(leg), row.asset),
        fee: toMoneyText(BigInt(leg.fee), row.asset),
        psp,
      },
    },
    byWorkflow(row),
  );
}

/** Gives a leg's share of the hold back to the player. The withdrawal's row is locked by the caller. */
export async function releaseLeg(trx: Trx, row: WithdrawalRow, leg: LegRow, reason: string): Promise<void> {
  await refuseWhilePaying(trx, row.id, leg.leg);
  await refuseWhileListed(trx, row.id);
  orThrow(
    await postTransfer(trx, {
      key: keyOf(row, 'release', leg.leg),
      playerId: row.playerId,
      asset: row.asset,
      amount: BigInt(leg.amount),
      subject: `withdrawal:${row.id}`,
      transfer: { code: 'withdrawal.release' },
    }),
  );
  await closeLeg(trx, leg, { state: 'released', reason });
}

export async function closeLeg(
  trx: Trx,
  { withdrawalId, leg }: Pick<LegRow, 'withdrawalId' | 'leg'>,
  end: {
    readonly state: 'paid' | 'released' | 'rerouted';
    readonly reason?: string;
    readonly paidPsp?: string;
  },
): Promise<void> {
  await trx
    .updateTable('payments.withdrawalLeg')
    .set({ ...end, closedAt: sql<Date>`now()` })
    .where('withdrawalId', '=', withdrawalId)
    .where('leg', '=', leg)
    .execute();
}

/** Any payout that was ever asked for. */
export async function hasPayouts(trx: Trx, withdrawalId: string): Promise<boolean> {
  const first = await trx
    .selectFrom('payments.payoutAttempt')
    .select('number')
    .where('withdrawalId', '=', withdrawalId)
    .limit(1)
    .executeTakeFirst();
  return first !== undefined;
}

/** A payout that was not refused, and not paid and booked: money may leave by it. */
export async function hasLivePayout(trx: Trx, withdrawalId: string): Promise<boolean> {
  const live = await trx
    .selectFrom('payments.payoutAttempt as p')
    .innerJoin('payments.withdrawalLeg as l', (join) =>
      join.onRef('l.withdrawalId', '=', 'p.withdrawalId').onRef('l.leg', '=', 'p.leg'),
    )
    .select('p.reference')
    .where('p.withdrawalId', '=', withdrawalId)
    .where('l.state', '=', 'planned')
    .where('p.state', 'not in', ['declined', 'not_sent'])
    .limit(1)
    .executeTakeFirst();
  return live !== undefined;
}

/** Refused with `withdrawal-not-pending`: money of somebody on a list is not made available again. */
export async function refuseWhileListed(trx: Trx, withdrawalId: string): Promise<void> {
  if ((await confirmedScreening(trx, `withdrawal:${withdrawalId}`)) === null) return;
  throw new FailureError(
    fail('withdrawal-not-pending', 'A confirmed match with a list holds the money.').failure,
  );
}

/** Refused with `withdrawal-not-pending` while a payout of the leg, or of any, may be on its way. */
export async function refuseWhilePaying(trx: Trx, withdrawalId: string, leg?: number): Promise<void> {
  const live = await trx
    .selectFrom('payments.payoutAttempt')
    .select('reference')
    .where('withdrawalId', '=', withdrawalId)
    .$if(leg !== undefined, (query) => query.where('leg', '=', leg ?? 0))
    .where('state', 'not in', ['declined', 'not_sent'])
    .executeTakeFirst();
  if (live === undefined) return;
  throw new FailureError(
    fail('withdrawal-not-pending', `The payout ${live.reference} may be on its way.`).failure,
  );
}

export type WithdrawalEnd = 'paid' | 'partly-paid' | 'refused';

/** Ends the withdrawal once no leg is open; null while one is. `reason` is why the last leg was given back. */
export async function endWhenDone(
  trx: Trx,
  row: WithdrawalRow,
  reason: string | null,
): Promise<WithdrawalEnd | null> {
  const legs = await trx
    .selectFrom('payments.withdrawalLeg')
    .selectAll()
    .where('withdrawalId', '=', row.id)
    .where('state', '<>', 'rerouted')
    .orderBy('leg')
    .execute();
  if (legs.some(({ state }) => state === 'planned')) return null;
  const paid = legs.filter(({ state }) => state !== 'released');
  const released = legs.filter(({ state }) => state === 'released');
  const end = paid.length === 0 ? 'refused' : released.length === 0 ? 'paid' : 'partly-paid';
  const paidPsp = paid.at(-1)?.paidPsp ?? null;
  const why = reason ?? released.at(-1)?.reason ?? null;
  await trx
    .updateTable('payments.withdrawal')
    .set({ state: end, paidPsp, closedAt: sql<Date>`now()`, reason: end === 'paid' ? null : why })
    .where('id', '=', row.id)
    .execute();
  await closeWorkItems(trx, `withdrawal:${row.id}`, ['parked-withdrawal'], `ended ${end}`);
  const who = { version: 1, brand: row.brand, playerId: row.playerId } as const;
  if (paidPsp !== null) {
    const money = toMoneyText(
      paid.reduce((sum, leg) => sum + payoutOf(leg), 0n),
      row.asset,
    );
    await appendEvent(
      trx,
      { type: 'payments.withdrawal.paid', ...who, payload: { withdrawalId: row.id, money, psp: paidPsp } },
      byWorkflow(row),
    );
  }
  if (released.length > 0) {
    const money = toMoneyText(
      released.reduce((sum, leg) => sum + BigInt(leg.amount), 0n),
      row.asset,
    );
    await appendEnd(trx, row, money, why ?? 'payout-declined', end === 'refused');
  }
  return end;
}

/** The money that went back to the player, and that the withdrawal was refused where all of it did. */
export async function appendEnd(
  trx: Trx,
  row: WithdrawalRow,
  money: MoneyText,
  reason: string,
  isRefused: boolean,
): Promise<void> {
  const payload = { withdrawalId: row.id, money, reason };
  const who = { version: 1, brand: row.brand, playerId: row.playerId } as const;
  if (isRefused)
    await appendEvent(trx, { type: 'payments.withdrawal.refused', ...who, payload }, byWorkflow(row));
  await appendEvent(trx, { type: 'payments.withdrawal.released', ...who, payload }, byWorkflow(row));
}

export const byWorkflow = (row: Pick<WithdrawalRow, 'id'>) =>
  ({ actor: { kind: 'workflow', id: `withdrawal:${row.id}` }, subject: `withdrawal:${row.id}` }) as const;

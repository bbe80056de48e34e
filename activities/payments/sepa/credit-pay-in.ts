/** Credits a transfer that came with a reference of ours, once; anything that does not fit is left to a person. */
import { sql } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import { openPersonalData } from '#activities/personal-data.ts';
import {
  refuseExcluded,
  reserveDepositLimit,
} from '#activities/responsible-gambling/commands/deposit-limit.ts';
import { postTransfer } from '#activities/wallet/post.ts';
import type { Trx } from '#db/connect.ts';
import { orThrow } from '#domain/failures.ts';
import type { BankLine } from '#domain/payments/sepa/camt.ts';
import { isSameHolder } from '#domain/payments/sepa/holder-name.ts';
import { sepaPsp } from '../commands/bank-accounts.ts';
import { lockDeposit, moneyOf, type DepositRow } from '../payment-rows.ts';
import type { PayoutBatchDeps } from './payout-batches.ts';

export type PayIn =
  | { readonly ok: true; readonly subject: string }
  | { readonly ok: false; readonly reason: string };

const no = (reason: string): PayIn => ({ ok: false, reason });

/**
 * The amount must be the announced one and the sender the player: money of others is not taken, by law. Nor is that of a
 * player who is excluded by now.
 */
export async function creditPayIn(
  trx: Trx,
  { keyRing }: Pick<PayoutBatchDeps, 'keyRing'>,
  line: BankLine,
): Promise<PayIn> {
  const named = await trx
    .selectFrom('payments.payInReference')
    .select('depositId')
    .where('reference', '=', line.reference)
    .executeTakeFirst();
  if (named === undefined) return no('money came in without a reference of ours');
  const deposit = await lockDeposit(trx, named.depositId);
  const subject = `deposit:${deposit.id}`;
  if (deposit.state === 'captured') return no(`money came in twice for ${subject}`);
  if (line.asset !== deposit.asset || line.amount !== BigInt(deposit.amount))
    return no(`another amount came in than was announced for ${subject}`);
  const person = await openPersonalData(trx, keyRing, deposit.playerId, 'aml');
  if (person === null || !isSameHolder(line.counterpartyName, person))
    return no(`the sender of the money for ${subject} is not its player`);
  const barred = await barredBy(trx, deposit);
  if (barred !== null) return no(`money came for ${subject}, and its player is ${barred}`);
  if (deposit.state === 'failed') {
    // It was given up and its share of the limit given back: credited only if the player may still pay that in.
    const { playerId, asset, id: depositId } = deposit;
    const share = { playerId, asset, amount: line.amount, depositId, isLimitRequired: false };
    const again = await reserveDepositLimit(trx, share);
    if (!again.ok) return no(`money came late for ${subject}, and its limit is used: ${again.failure.code}`);
  }
  orThrow(
    await postTransfer(trx, {
      key: `${subject}:capture`,
      playerId: deposit.playerId,
      asset: deposit.asset,
      amount: line.amount,
      subject,
      transfer: { code: 'deposit.capture', psp: sepaPsp },
    }),
  );
  // The wallet's row lock is held by now, so two first deposits of one player cannot both be the first.
  const earlier = await trx
    .selectFrom('payments.deposit')
    .select('id')
    .where('playerId', '=', deposit.playerId)
    .where('state', '=', 'captured')
    .limit(1)
    .executeTakeFirst();
  const first = earlier === undefined;
  if (deposit.state === 'requested')
    await trx
      .updateTable('payments.deposit')
      .set({ state: 'processing' })
      .where('id', '=', deposit.id)
      .execute();
  await trx
    .updateTable('payments.deposit')
    .set({
      state: 'captured',
      capturedAt: sql<Date>`now()`,
      capturedPsp: sepaPsp,
      first,
      failureReason: null,
    })
    .where('id', '=', deposit.id)
    .execute();
  await appendEvent(
    trx,
    {
      type: 'payments.deposit.captured',
      version: 1,
      brand: deposit.brand,
      playerId: deposit.playerId,
      payload: { depositId: deposit.id, money: moneyOf(deposit), psp: sepaPsp, first },
    },
    { actor: { kind: 'workflow', id: 'bank-reports' }, subject },
  );
  return { ok: true, subject };
}

/** Days lie between announcement and money: an exclusion, or a lock of the account, may have come meanwhile. */
async function barredBy(trx: Trx, { playerId, asset, id: depositId }: DepositRow): Promise<string | null> {
  const { status } = await trx
    .selectFrom('pam.player')
    .select('status')
    .where('id', '=', playerId)
    .executeTakeFirstOrThrow();
  if (status !== 'active') return status;
  const open = await refuseExcluded(trx, { playerId, asset, depositId });
  return open.ok ? null : open.failure.code;
}

/** What one movement on our bank account means: a payout that was paid or came back, a pay-in, or a question for a person. */
import { sql } from 'kysely';
import type { Trx } from '#db/connect.ts';
import { fail, FailureError } from '#domain/failures.ts';
import { partName, type BankLine, type BankStatement } from '#domain/payments/sepa/camt.ts';
import { isNamedBy } from '../bank-names.ts';
import { sepaPsp } from '../commands/bank-accounts.ts';
import { openWorkItem } from '../commands/work-items.ts';
import { lockWithdrawal } from '../payment-rows.ts';
import { takeLegBack } from '../returned-leg.ts';
import { mustLeg } from '../withdrawal-legs.ts';
import { creditPayIn } from './credit-pay-in.ts';
import { putIntoSuspense, releaseReturned } from '../suspense.ts';
import { bookReturn, keepSender } from './suspense-returns.ts';
import { mustHaveBank, type PayoutBatchDeps } from './payout-batches.ts';

/** Free text may name people; what is no identifier stays in the sealed report. */
export const identifierOf = (line: BankLine): string =>
  /^[A-Za-z0-9-]{1,35}$/.test(line.reference) ? line.reference : (line.bankReference ?? '');

type Outcome = { readonly outcome: 'booked' | 'returned' | 'credited' | 'parked'; readonly subject: string };

/**
 * Applies the movement once, though notice and statement both tell it: by the bank's own name for it. A notice without
 * one proves too little and waits for the statement. Throws `dependency-unavailable`, which passes, where a return is
 * told before its payout was settled in our ledger.
 */
export async function applyLine(
  trx: Trx,
  deps: PayoutBatchDeps,
  statement: BankStatement,
  line: BankLine,
): Promise<void> {
  if (statement.account !== mustHaveBank(deps).account.iban || line.amount === 0n) return;
  if (line.bankReference === null && statement.kind === 'notice') return;
  const bankReference = line.bankReference ?? `${statement.statementId}:${line.line}`;
  // Imports take turns for a movement.
  await sql`select pg_advisory_xact_lock(hashtextextended(${`bank-entry:${bankReference}`}, 0))`.execute(trx);
  const known = await trx
    .selectFrom('payments.bankEntry')
    .select('outcome')
    .where('account', '=', statement.account)
    // A statement may tell as one entry what a notice has told payment by payment.
    .where('bankReference', 'in', [bankReference, partName(bankReference, 1)])
    .limit(1)
    .executeTakeFirst();
  if (known !== undefined) return;
  const { outcome, subject } = await outcomeOf(trx, deps, line, bankReference);
  await trx
    .insertInto('payments.bankEntry')
    .values({ account: statement.account, bankReference, outcome, subject })
    .execute();
}

async function outcomeOf(
  trx: Trx,
  deps: PayoutBatchDeps,
  line: BankLine,
  bankReference: string,
): Promise<Outcome> {
  const transfer =
    line.endToEndId === null
      ? undefined
      : await trx
          .selectFrom('payments.bankTransfer')
          .select(['reference', 'withdrawalId', 'amount', 'state'])
          .where('endToEndId', '=', line.endToEndId)
          .forUpdate()
          .executeTakeFirst();
  const park = async (reason: string): Promise<Outcome> => {
    const subject = `bank-entry:${bankReference}`;
    const { asset, amount, endToEndId } = line;
    // Told by a notice before, and found among a PSP's payouts meanwhile: the ledger shows it at the bank already.
    if (await isPspPayout(trx, line)) return { outcome: 'booked', subject };
    await putIntoSuspense(
      trx,
      { subject, psp: sepaPsp, asset, amount, endToEndId, reference: identifierOf(line) },
      { kind: 'workflow', id: 'bank-reports' },
    );
    await keepSender(trx, deps.keyRing, subject, line);
    await openWorkItem(trx, { kind: 'unmatched-transfer', subject, brand: null, reason });
    return { outcome: 'parked', subject };
  };
  if (line.amount > 0n && line.returnReason === null) {
    const credited = await creditPayIn(trx, deps, line);
    return credited.ok ? { outcome: 'credited', subject: credited.subject } : park(credited.reason);
  }
  if (transfer === undefined) {
    const returned = await bookReturn(trx, line);
    if (returned === null) return park('money moved for a payout that we do not know');
    await releaseReturned(trx, returned, `bank-entry:${bankReference}`);
    return { outcome: 'booked', subject: returned };
  }
  const size = line.amount < 0n ? -line.amount : line.amount;
  if (line.asset !== 'EUR' || size !== BigInt(transfer.amount))
    return park(`the bank moved another amount than that of withdrawal:${transfer.withdrawalId}`);
  if (line.amount < 0n) return book(trx, transfer, park);
  return takeBack(trx, transfer, line.returnReason ?? 'NARR', park);
}

/** A payout of a PSP of this name and amount that was matched with a line of a statement. */
async function isPspPayout(trx: Trx, line: BankLine): Promise<boolean> {
  const { rows } = await sql`
    select 1 from payments.bank_match m join payments.bank_line b on b.id = m.bank_line_id
    join payments.settlement_line l on l.psp = m.psp and l.natural_key = m.natural_key
    where b.asset = ${line.asset} and b.amount = ${line.amount.toString()}::numeric
      and ${isNamedBy(sql.ref('l.psp_reference'), { endToEndId: sql`${line.endToEndId}::text`, words: sql`${identifierOf(line)}::text` })} limit 1`.execute(
    trx,
  );
  return rows.length > 0;
}

type TransferRow = {
  readonly reference: string;
  readonly withdrawalId: string;
  readonly state: string;
};
type Park = (reason: string) => Promise<Outcome>;

/** From here on the status of the payout is paid; the withdrawal's workflow settles it. */
async function book(trx: Trx, { reference, withdrawalId, state }: TransferRow, park: Park): Promise<Outcome> {
  if (state !== 'batched' && state !== 'accepted')
    return park(`the bank paid withdrawal:${withdrawalId} although its transfer is ${state}`);
  await trx
    .updateTable('payments.bankTransfer')
    .set({ state: 'booked', bookedAt: sql<Date>`now()` })
    .where('reference', '=', reference)
    .execute();
  return { outcome: 'booked', subject: `withdrawal:${withdrawalId}` };
}

/** Gives the money of a settled withdrawal back by journal; one that was not settled yet is released by its workflow. */
async function takeBack(
  trx: Trx,
  { reference, withdrawalId, state }: TransferRow,
  reason: string,
  park: Park,
): Promise<Outcome> {
  if (state !== 'booked') return park(`a return for withdrawal:${withdrawalId}, whose transfer is ${state}`);
  const row = await lockWithdrawal(trx, withdrawalId);
  const attempt = await trx
    .selectFrom('payments.payoutAttempt')
    .select(['state', 'leg'])
    .where('reference', '=', reference)
    .executeTakeFirstOrThrow();
  const leg = await mustLeg(trx, withdrawalId, attempt.leg);
  if (leg.state !== 'paid' && attempt.state === 'paid')
    throw new FailureError(fail('dependency-unavailable', 'The payout is being settled.').failure);
  await trx
    .updateTable('payments.bankTransfer')
    .set({ state: 'returned', reason })
    .where('reference', '=', reference)
    .execute();
  if (leg.state === 'paid')
    await takeLegBack(trx, row, leg, {
      psp: sepaPsp,
      sender: 'the bank',
      reason,
      actor: { kind: 'workflow', id: 'bank-reports' },
    });
  return { outcome: 'returned', subject: `withdrawal:${withdrawalId}` };
}

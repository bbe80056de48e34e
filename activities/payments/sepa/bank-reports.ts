/** Fetches what the bank reports and keeps each report once: raw and sealed, its lines normalised, its effects applied. */
import { createHash } from 'node:crypto';
import { sealAlone } from '#activities/personal-data.ts';
import type { Trx } from '#db/connect.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { readCamt, type BankStatement } from '#domain/payments/sepa/camt.ts';
import { blockIdOf } from '#domain/payments/sepa/pain-001.ts';
import { readPain002, type PaymentStatusReport } from '#domain/payments/sepa/pain-002.ts';
import type { ActivityDeps } from '../../deps.ts';
import { openWorkItem } from '../commands/work-items.ts';
import { moveReturns } from './suspense-returns.ts';
import { applyLine, identifierOf } from './apply-line.ts';
import { checkSchema, messageNameOf } from './check-schema.ts';
import { mustHaveBank } from './payout-batches.ts';
import { readXml } from './read-xml.ts';

export type ImportedReports = { readonly imported: number; readonly hasMore: boolean };

export type BankReportDeps = Pick<ActivityDeps, 'db' | 'keyRing' | 'log' | 'bank'>;

type Read =
  | { readonly kind: 'status'; readonly report: PaymentStatusReport }
  | { readonly kind: 'account'; readonly statements: readonly BankStatement[] };

export function createBankReportActivities(deps: BankReportDeps) {
  const { db, keyRing, log } = deps;

  return {
    /** Imports what is new, in the bank's order, each report in a transaction of its own. Repeating it is harmless. */
    async importReports(): Promise<ImportedReports> {
      const bank = mustHaveBank(deps);
      const { last } = await db
        .selectFrom('payments.bankDelivery')
        .select((eb) => eb.fn.coalesce(eb.fn.max('bankNumber'), eb.lit(0)).as('last'))
        .executeTakeFirstOrThrow();
      const heads = await bank.reports(Number(last));
      for (const { id } of heads) {
        const bytes = await bank.report(id);
        await db.transaction().execute((trx) => keepReport(trx, id, bytes));
      }
      return { imported: heads.length, hasMore: heads.length === 100 };
    },
  };

  async function keepReport(trx: Trx, bankNumber: number, bytes: Buffer): Promise<void> {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const read = readReport(bytes);
    const inserted = await trx
      .insertInto('payments.bankReport')
      .values({
        sha256,
        kind: read.ok ? read.value.kind : 'unreadable',
        bankNumber: BigInt(bankNumber),
        ...sealAlone(keyRing, bytes, `bank-report:${sha256}`),
      })
      .onConflict((conflict) => conflict.column('sha256').doNothing())
      .returning('sha256')
      .executeTakeFirst();
    // Also of what was delivered before, or the bank would be asked for it for ever.
    await trx
      .insertInto('payments.bankDelivery')
      .values({ bankNumber: BigInt(bankNumber), sha256 })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    // Delivered before, word for word.
    if (inserted === undefined) return;
    if (!read.ok) {
      log.warn({ bankNumber, detail: read.failure.detail }, 'a report of the bank cannot be read');
      await openWorkItem(trx, {
        kind: 'unreadable-report',
        subject: `bank-report:${sha256}`,
        brand: null,
        reason: read.failure.detail,
      });
      return;
    }
    if (read.value.kind === 'status') return applyStatus(trx, read.value.report);
    for (const statement of read.value.statements) await applyStatement(trx, statement);
  }

  async function applyStatement(trx: Trx, statement: BankStatement): Promise<void> {
    for (const line of statement.lines) {
      await trx
        .insertInto('payments.bankLine')
        .values({
          account: statement.account,
          bookedOn: line.bookedOn,
          amount: line.amount.toString(),
          asset: line.asset,
          endToEndId: line.endToEndId,
          reference: identifierOf(line),
          statementId: statement.statementId,
          line: line.line,
        })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      await applyLine(trx, deps, statement, line);
    }
  }
}

function readReport(bytes: Buffer): Result<Read> {
  const name = messageNameOf(bytes.toString('utf8', 0, 2_000));
  if (name === null || name === 'pain.001.001.09')
    return fail('invalid-request', 'The report is of no kind we know.');
  const tree = readXml(bytes);
  if (!tree.ok) return tree;
  const checked = checkSchema(bytes, name);
  if (!checked.ok) return checked;
  if (name === 'pain.002.001.10') {
    const report = readPain002(tree.value);
    return report.ok ? succeed({ kind: 'status', report: report.value }) : report;
  }
  const statements = readCamt(tree.value);
  return statements.ok ? succeed({ kind: 'account', statements: statements.value }) : statements;
}

/** Accepted is a step, rejected an end; what is booked already stays booked, whatever a late report says. */
async function applyStatus(trx: Trx, report: PaymentStatusReport): Promise<void> {
  const batch = await trx
    .selectFrom('payments.payoutBatch')
    .select(['id', 'messageId'])
    .where('messageId', '=', report.originalMessageId)
    .executeTakeFirst();
  if (batch === undefined) return;
  const move = async (
    state: 'accepted' | 'rejected',
    reason: string | null,
    endToEndId: string | null,
  ): Promise<void> => {
    await moveReturns(trx, batch.id, { state, reason, endToEndId, except: named });
    await trx
      .updateTable('payments.bankTransfer')
      .set({ state, reason })
      .where('batchId', '=', batch.id)
      .where('state', 'in', state === 'accepted' ? ['batched'] : ['batched', 'accepted'])
      .$if(endToEndId !== null, (query) => query.where('endToEndId', '=', endToEndId ?? ''))
      // What is named one by one has its own word; the whole counts for the rest.
      .$if(endToEndId === null && named.length > 0, (query) => query.where('endToEndId', 'not in', named))
      .execute();
  };
  const named = report.payments.map(({ endToEndId }) => endToEndId);
  for (const { endToEndId, status, reason } of report.payments)
    if (status !== 'pending')
      await move(status, status === 'rejected' ? (reason ?? 'NARR') : null, endToEndId);
  // Our files have one block.
  for (const { blockId, status, reason } of report.blocks)
    if (blockId === blockIdOf(batch.messageId, 1) && status !== 'pending')
      await move(status, status === 'rejected' ? (reason ?? 'NARR') : null, null);
  if (report.group === 'accepted' || report.group === 'rejected')
    await move(report.group, report.group === 'rejected' ? 'file rejected' : null, null);
}

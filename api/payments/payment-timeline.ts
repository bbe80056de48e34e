/** Everything that is known about one payment, for the people who look after it. */
import { z } from '@hono/zod-openapi';
import type { AttemptRow } from '#activities/payments/payment-rows.ts';
import type { Database } from '#db/connect.ts';
import { toMoneyText } from '#domain/money.ts';
import { moneyOutput, nullableMoneyOutput, timestamp } from '../schemas.ts';

/** Of deposits; the cryptogram is not among it, because it is not kept. */
const threeDsOutput = z
  .strictObject({
    want: z.string(),
    exemptionRequested: z.string().nullable(),
    exemptionGranted: z.string().nullable(),
    transStatus: z.string().nullable(),
    eci: z.string().nullable(),
    dsTransactionId: z.string().nullable(),
    version: z.string().nullable(),
    network: z.string().nullable(),
    issuerCountry: z.string().nullable(),
    fromAttempt: z.int().nullable().openapi({ description: 'Whose authentication it carried on.' }),
    liability: z
      .strictObject({ party: z.string(), row: z.string(), tableVersion: z.int() })
      .nullable()
      .openapi({ description: 'Who bears fraud, as computed, and the row of the table that says so.' }),
  })
  .openapi('ThreeDsOfAttempt');

export const attemptOutput = z
  .strictObject({
    number: z.int(),
    psp: z.string(),
    reference: z.string(),
    pspReference: z.string().nullable(),
    state: z.string(),
    declineClass: z.string().nullable(),
    rawCode: z.string().nullable(),
    networkCode: z.string().nullable(),
    processed: nullableMoneyOutput,
    threeDs: threeDsOutput.nullable(),
    startedAt: timestamp,
    sentAt: timestamp.nullable(),
    resolvedAt: timestamp.nullable(),
  })
  .openapi('PaymentAttempt');

export const journalOutput = z
  .strictObject({
    journalId: z.uuid(),
    code: z.string(),
    externalId: z.string(),
    money: moneyOutput,
    occurredAt: timestamp,
  })
  .openapi('PaymentJournal');

export const noticeOutput = z
  .strictObject({
    source: z.string(),
    externalId: z.string(),
    receivedAt: timestamp,
    processedAt: timestamp.nullable(),
  })
  .openapi('PaymentNotice');

export const workItemOutput = z
  .strictObject({
    workItemId: z.uuid(),
    kind: z.string(),
    subject: z.string(),
    reason: z.string(),
    ownerId: z.uuid().nullable(),
    openedAt: timestamp,
    ageS: z.int(),
    closedAt: timestamp.nullable(),
    resolution: z.string().nullable(),
  })
  .openapi('PaymentWorkItem');

type AttemptLike = {
  readonly number: number;
  readonly psp: string;
  readonly reference: string;
  readonly pspReference: string | null;
  readonly state: string;
  readonly declineClass?: string | null;
  readonly rawCode: string | null;
  readonly networkCode?: string | null;
  readonly processedAsset: string | null;
  readonly processedAmount: string | null;
  readonly startedAt: Date;
  readonly sentAt: Date | null;
  readonly resolvedAt: Date | null;
  /** Of deposits. */
  readonly threeDs?: z.infer<typeof threeDsOutput> | null;
};

type SecuredAttempt = Pick<
  AttemptRow,
  | 'threeDsWant'
  | 'exemptionRequested'
  | 'exemptionGranted'
  | 'transStatus'
  | 'eci'
  | 'dsTransactionId'
  | 'threeDsVersion'
  | 'network'
  | 'issuerCountry'
  | 'threeDsFrom'
  | 'liability'
  | 'liabilityRow'
  | 'liabilityTableVersion'
>;

/** Null of an attempt that was never sent, and of wallets. */
export const toApiThreeDs = (row: SecuredAttempt): z.infer<typeof threeDsOutput> | null =>
  row.threeDsWant === null
    ? null
    : {
        want: row.threeDsWant,
        exemptionRequested: row.exemptionRequested,
        exemptionGranted: row.exemptionGranted,
        transStatus: row.transStatus,
        eci: row.eci,
        dsTransactionId: row.dsTransactionId,
        version: row.threeDsVersion,
        network: row.network,
        issuerCountry: row.issuerCountry,
        fromAttempt: row.threeDsFrom,
        liability:
          row.liability === null || row.liabilityRow === null || row.liabilityTableVersion === null
            ? null
            : { party: row.liability, row: row.liabilityRow, tableVersion: row.liabilityTableVersion },
      };

export const toApiAttempt = (row: AttemptLike): z.infer<typeof attemptOutput> => ({
  number: row.number,
  psp: row.psp,
  reference: row.reference,
  pspReference: row.pspReference,
  state: row.state,
  declineClass: row.declineClass ?? null,
  rawCode: row.rawCode,
  networkCode: row.networkCode ?? null,
  processed:
    row.processedAsset === null || row.processedAmount === null
      ? null
      : toMoneyText(BigInt(row.processedAmount), row.processedAsset),
  threeDs: row.threeDs ?? null,
  startedAt: row.startedAt.toISOString(),
  sentAt: row.sentAt?.toISOString() ?? null,
  resolvedAt: row.resolvedAt?.toISOString() ?? null,
});

/** Journals, notices and work items of `{noun}:{id}`. */
export async function readTimeline(db: Database, subject: string) {
  const [journals, notices, workItems] = await Promise.all([
    db
      .selectFrom('wallet.journal')
      .select(['id', 'code', 'externalId', 'asset', 'amount', 'occurredAt'])
      .where('subject', '=', subject)
      .orderBy('occurredAt')
      .limit(100)
      .execute(),
    db
      .selectFrom('compliance.webhookInbox')
      .select(['source', 'externalId', 'receivedAt', 'processedAt'])
      .where('subject', '=', subject)
      .orderBy('id')
      .limit(100)
      .execute(),
    db
      .selectFrom('payments.workItem')
      .selectAll()
      .where('subject', '=', subject)
      .orderBy('openedAt')
      .limit(100)
      .execute(),
  ]);
  return {
    journals: journals.map((row) => ({
      journalId: row.id,
      code: row.code,
      externalId: row.externalId,
      money: toMoneyText(BigInt(row.amount), row.asset),
      occurredAt: row.occurredAt.toISOString(),
    })),
    notices: notices.map((row) => ({
      source: row.source,
      externalId: row.externalId,
      receivedAt: row.receivedAt.toISOString(),
      processedAt: row.processedAt?.toISOString() ?? null,
    })),
    workItems: workItems.map(toApiWorkItem),
  };
}

export const toApiWorkItem = (row: {
  id: string;
  kind: string;
  subject: string;
  reason: string;
  owner: string | null;
  openedAt: Date;
  closedAt: Date | null;
  resolution: string | null;
}): z.infer<typeof workItemOutput> => ({
  workItemId: row.id,
  kind: row.kind,
  subject: row.subject,
  reason: row.reason,
  ownerId: row.owner,
  openedAt: row.openedAt.toISOString(),
  ageS: Math.max(0, Math.floor(((row.closedAt ?? new Date()).getTime() - row.openedAt.getTime()) / 1_000)),
  closedAt: row.closedAt?.toISOString() ?? null,
  resolution: row.resolution,
});

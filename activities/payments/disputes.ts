/** What the `dispute` workflow does: ask the PSP, book the money that it moved, mind the deadline, send our answer. */
import { sql } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import { postTransfer } from '#activities/wallet/post.ts';
import type { Trx } from '#db/connect.ts';
import { orThrow } from '#domain/failures.ts';
import { toUnits } from '#domain/money.ts';
import {
  bookableMovements,
  disputeStages,
  disputeStatuses,
  isDisputeOver,
  stepDispute,
  type DisputeMovement,
  type DisputePlace,
  type DisputeTold,
} from '#domain/payments/dispute-state.ts';
import type { ActivityDeps } from '../deps.ts';
import type { DisputeRow } from './commands/dispute-notices.ts';
import { openEvidence } from './commands/record-dispute-response.ts';
import { closeWorkItems, openWorkItem } from './commands/work-items.ts';
import { settleFraudAlerts } from './fraud-alert-steps.ts';
import { readEvidence } from './payment-rows.ts';

export type DisputeStanding = DisputePlace & {
  readonly isOver: boolean;
  /** Until the reminder or the deadline, by the database's clock; null where none is near. */
  readonly remainingMs: number | null;
};

/** People are told this long before evidence is due. */
const reminderBefore = '3 days';

export function createDisputeActivities(deps: Pick<ActivityDeps, 'db' | 'psps' | 'keyRing' | 'log'>) {
  const { db } = deps;
  const read = (disputeId: string): Promise<DisputeRow> =>
    db.selectFrom('payments.dispute').selectAll().where('id', '=', disputeId).executeTakeFirstOrThrow();

  return {
    /** Asks the PSP how the dispute stands and books what is new. Repeating it changes nothing. */
    async followDispute({ disputeId }: { readonly disputeId: string }): Promise<DisputeStanding> {
      const row = await read(disputeId);
      const disputes = deps.psps.get(row.psp)?.disputes;
      const told = disputes
        ? await disputes.dispute({
            pspReference: row.pspReference,
            evidence: await readEvidence(db, row.psp, `dispute:${row.id}`),
          })
        : ({ kind: 'unknown', reason: 'no such connector' } as const);
      deps.log.info({ disputeId, psp: row.psp, told: told.kind }, 'psp answered about a dispute');
      return db.transaction().execute(async (trx) => {
        const locked = await lockDispute(trx, disputeId);
        if (told.kind === 'told') await takeWord(trx, locked, told);
        return mindDeadline(trx, await lockDispute(trx, disputeId));
      });
    },

    /** Sends a stored answer under its own key; `again` when the PSP could not be reached. Answered ones are left alone. */
    async sendDisputeResponse({
      responseId,
    }: {
      readonly responseId: string;
    }): Promise<'sent' | 'refused' | 'again'> {
      const response = await db
        .selectFrom('payments.disputeResponse')
        .selectAll()
        .where('id', '=', responseId)
        .executeTakeFirstOrThrow();
      if (response.state !== 'recorded') return response.state === 'sent' ? 'sent' : 'refused';
      const row = await read(response.disputeId);
      const disputes = deps.psps.get(row.psp)?.disputes;
      if (!disputes) return 'again';
      const order = { pspReference: row.pspReference, key: `dispute:${response.id}` };
      const answer =
        response.kind === 'accept'
          ? await disputes.acceptDispute(order)
          : await disputes.submitEvidence(
              order,
              await openEvidence(db, deps.keyRing, response, row.playerId),
            );
      if (answer.kind === 'unknown' || answer.kind === 'not_sent') return 'again';
      const rawCode = answer.kind === 'refused' ? answer.rawCode.slice(0, 100) : null;
      const isTaken = rawCode === null;
      await db.transaction().execute(async (trx) => {
        const locked = await lockDispute(trx, row.id);
        await trx
          .updateTable('payments.disputeResponse')
          .set({
            state: isTaken ? 'sent' : 'refused',
            rawCode,
            closedAt: sql<Date>`now()`,
          })
          .where('id', '=', response.id)
          .where('state', '=', 'recorded')
          .execute();
        if (!isTaken) return;
        if (response.kind === 'accept')
          await trx
            .updateTable('payments.dispute')
            .set({ accepted: true })
            .where('id', '=', row.id)
            .execute();
        else if (locked.stage === response.stage && locked.status === 'needs-response')
          await trx
            .updateTable('payments.dispute')
            .set({ status: 'under-review' })
            .where('id', '=', row.id)
            .execute();
        await closeWorkItems(
          trx,
          `dispute:${row.id}`,
          ['dispute-evidence-due'],
          `answered: ${response.kind}`,
        );
        await appendEvent(
          trx,
          {
            type: 'payments.dispute.answered',
            version: 1,
            brand: row.brand,
            playerId: row.playerId,
            payload: { disputeId: row.id, answer: response.kind === 'accept' ? 'accept' : 'evidence' },
          },
          {
            actor: { kind: 'operator', id: response.operatorId },
            subject: `dispute:${row.id}`,
            reason: response.reason,
          },
        );
      });
      return isTaken ? 'sent' : 'refused';
    },
  };
}

async function takeWord(trx: Trx, row: DisputeRow, told: DisputeTold): Promise<void> {
  const { place, isContradiction } = stepDispute(placeOf(row), told);
  if (isContradiction)
    await openWorkItem(trx, {
      kind: 'dispute-unbooked',
      subject: `dispute:${row.id}`,
      brand: row.brand,
      reason: `${row.psp} says ${told.stage} ${told.status} of a dispute that is ${row.stage} ${row.status}`,
    });
  const hasMoved = place.stage !== row.stage || place.status !== row.status;
  const isOver = isDisputeOver(place);
  await trx
    .updateTable('payments.dispute')
    .set({
      ...place,
      reason: told.reason?.slice(0, 100) ?? row.reason,
      evidenceDueAt: told.evidenceDueAt === null ? row.evidenceDueAt : new Date(told.evidenceDueAt),
      ...(told.money === null
        ? {}
        : { asset: told.money.asset, amount: orThrow(toUnits(told.money)).toString() }),
      ...(hasMoved ? { closedAt: isOver ? sql<Date>`now()` : null } : {}),
      // A new stage has a deadline of its own.
      ...(place.stage === row.stage ? {} : { remindedAt: null, expiredAt: null }),
    })
    .where('id', '=', row.id)
    .execute();
  if (hasMoved)
    await appendEvent(
      trx,
      {
        type: 'payments.dispute.moved',
        version: 1,
        brand: row.brand,
        playerId: row.playerId,
        payload: { disputeId: row.id, ...place, accepted: row.accepted },
      },
      byWorkflow(row),
    );
  await bookMovements(trx, row, told.movements);
  if (place.stage !== 'inquiry') await settleFraudAlerts(trx, row.depositId);
  if (place.status === 'lost') await loseOpenOne(trx, row);
  if (isOver || place.status === 'under-review')
    await closeWorkItems(trx, `dispute:${row.id}`, ['dispute-evidence-due'], place.status);
}

/** Journals exactly at the movements of funds that the PSP names, each once. */
async function bookMovements(
  trx: Trx,
  row: DisputeRow,
  movements: readonly DisputeMovement[],
): Promise<void> {
  const booked = await bookedMovements(trx, row.id);
  const { now } = bookableMovements(booked, movements);
  let number = booked.length;
  let opened = booked.findLast(({ kind }) => kind === 'withdrawn')?.number ?? 0;
  for (const movement of now) {
    number += 1;
    const units = orThrow(toUnits(movement.money));
    const posted = await postTransfer(trx, {
      key: `dispute:${row.id}:m${number}`,
      playerId: row.playerId,
      asset: movement.money.asset,
      amount: units,
      subject: `dispute:${row.id}`,
      transfer:
        movement.kind === 'withdrawn'
          ? { code: 'chargeback.open', capture: `deposit:${row.depositId}:capture` }
          : { code: 'chargeback.win', opened: `dispute:${row.id}:m${opened}` },
    });
    if (!posted.ok) {
      // More than the deposit has left, or of another asset: the PSP has the money, and a person finds out why.
      await openWorkItem(trx, {
        kind: 'dispute-unbooked',
        subject: `dispute:${row.id}`,
        brand: row.brand,
        reason: `${movement.kind} ${movement.money.amount} ${movement.money.asset} (${movement.reference}): ${posted.failure.code}`,
      });
      return;
    }
    if (movement.kind === 'withdrawn') opened = number;
    await trx
      .insertInto('payments.disputeMovement')
      .values({
        psp: row.psp,
        reference: movement.reference,
        disputeId: row.id,
        number,
        kind: movement.kind,
        asset: movement.money.asset,
        amount: units.toString(),
        journalId: posted.value.journalId,
      })
      .execute();
    await appendEvent(
      trx,
      {
        type: movement.kind === 'withdrawn' ? 'payments.dispute.withdrawn' : 'payments.dispute.reinstated',
        version: 1,
        brand: row.brand,
        playerId: row.playerId,
        payload: {
          disputeId: row.id,
          depositId: row.depositId,
          money: movement.money,
          psp: row.psp,
          reference: movement.reference,
        },
      },
      byWorkflow(row),
    );
  }
}

/** The money of a lost dispute is the PSP's for good. */
async function loseOpenOne(trx: Trx, row: DisputeRow): Promise<void> {
  const last = (await bookedMovements(trx, row.id)).at(-1);
  if (last?.kind !== 'withdrawn') return;
  orThrow(
    await postTransfer(trx, {
      key: `dispute:${row.id}:lost`,
      playerId: row.playerId,
      asset: last.asset,
      amount: BigInt(last.amount),
      subject: `dispute:${row.id}`,
      transfer: { code: 'chargeback.lose', opened: `dispute:${row.id}:m${last.number}` },
    }),
  );
}

const isMoneyOut = async (trx: Trx, disputeId: string): Promise<boolean> =>
  (await bookedMovements(trx, disputeId)).at(-1)?.kind === 'withdrawn';

async function bookedMovements(trx: Trx, disputeId: string) {
  const rows = await trx
    .selectFrom('payments.disputeMovement')
    .select(['reference', 'kind', 'number', 'asset', 'amount'])
    .where('disputeId', '=', disputeId)
    .orderBy('number')
    .execute();
  return rows.map((row) => ({
    ...row,
    kind: row.kind === 'withdrawn' ? ('withdrawn' as const) : ('reinstated' as const),
  }));
}

/** Reminds people before the deadline, and says when it has passed; the database's clock decides. */
async function mindDeadline(trx: Trx, row: DisputeRow): Promise<DisputeStanding> {
  const { rows } = await sql<{ isNear: boolean; isPast: boolean; remainingMs: number | null }>`
    select due - ${reminderBefore}::interval <= now() as is_near, due <= now() as is_past,
      case when due <= now() then null
        else extract(epoch from case when due - ${reminderBefore}::interval > now()
          then due - ${reminderBefore}::interval else due end - now()) * 1000 end::float8 as remaining_ms
    from (select ${row.evidenceDueAt}::timestamptz as due) as deadline where due is not null`.execute(trx);
  const deadline = rows[0];
  if (row.status === 'needs-response' && deadline !== undefined) {
    if (deadline.isNear && row.remindedAt === null) {
      await openWorkItem(trx, {
        kind: 'dispute-evidence-due',
        subject: `dispute:${row.id}`,
        brand: row.brand,
        reason: `${row.psp} takes evidence until ${row.evidenceDueAt?.toISOString() ?? ''}`,
      });
      await trx
        .updateTable('payments.dispute')
        .set({ remindedAt: sql<Date>`now()` })
        .where('id', '=', row.id)
        .execute();
    }
    if (deadline.isPast && row.expiredAt === null) {
      await trx
        .updateTable('payments.dispute')
        .set({ expiredAt: sql<Date>`now()` })
        .where('id', '=', row.id)
        .execute();
      await appendEvent(
        trx,
        {
          type: 'payments.dispute.expired',
          version: 1,
          brand: row.brand,
          playerId: row.playerId,
          payload: { disputeId: row.id },
        },
        byWorkflow(row),
      );
    }
  }
  const place = placeOf(row);
  return {
    ...place,
    // A win is over when the money is back.
    isOver: isDisputeOver(place) && !(place.status === 'won' && (await isMoneyOut(trx, row.id))),
    remainingMs: row.status === 'needs-response' ? (deadline?.remainingMs ?? null) : null,
  };
}

export function placeOf(row: Pick<DisputeRow, 'stage' | 'status'>): DisputePlace {
  const stage = disputeStages.find((known) => known === row.stage);
  const status = disputeStatuses.find((known) => known === row.status);
  if (!stage || !status) throw new Error(`Invariant broken: dispute at ${row.stage} ${row.status}`);
  return { stage, status };
}

const lockDispute = (trx: Trx, disputeId: string): Promise<DisputeRow> =>
  trx
    .selectFrom('payments.dispute')
    .selectAll()
    .where('id', '=', disputeId)
    .forUpdate()
    .executeTakeFirstOrThrow();

const byWorkflow = (row: Pick<DisputeRow, 'id' | 'psp' | 'pspReference'>) =>
  ({
    actor: { kind: 'workflow', id: `dispute:${row.psp}:${row.pspReference}` },
    subject: `dispute:${row.id}`,
  }) as const;

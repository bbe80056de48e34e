/** What the `fraudAlert` workflow does: ask the PSP what it says of the report, and mind the deadline. */
import { sql } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import type { Trx } from '#db/connect.ts';
import { orThrow } from '#domain/failures.ts';
import { toUnits } from '#domain/money.ts';
import {
  isFraudAlertOver,
  type FraudAlertOutcome,
  type FraudAlertState,
  type FraudAlertTold,
} from '#domain/payments/fraud-alert.ts';
import type { ActivityDeps } from '../deps.ts';
import { fraudAlertStateOf, settleFraudAlerts, type FraudAlertRow } from './fraud-alert-steps.ts';
import { readEvidence } from './payment-rows.ts';

export type FraudAlertStanding = {
  readonly state: FraudAlertState;
  readonly isOver: boolean;
  /** Whether the PSP has answered about it at least once. */
  readonly isTold: boolean;
  /** Until the deadline, by the database's clock; null where it has passed or does not matter. */
  readonly remainingMs: number | null;
};

export function createFraudAlertActivities(deps: Pick<ActivityDeps, 'db' | 'psps' | 'log'>) {
  const { db } = deps;
  const read = (alertId: string): Promise<FraudAlertRow> =>
    db.selectFrom('payments.fraudAlert').selectAll().where('id', '=', alertId).executeTakeFirstOrThrow();

  return {
    /** Asks the PSP about a report and says how it stands. Repeating it changes nothing. */
    async followFraudAlert({ alertId }: { readonly alertId: string }): Promise<FraudAlertStanding> {
      const row = await read(alertId);
      const alerts = deps.psps.get(row.psp)?.fraudAlerts;
      const told: FraudAlertOutcome = alerts
        ? await alerts.fraudAlert({
            pspReference: row.pspReference,
            evidence: await readEvidence(db, row.psp, `fraud-alert:${row.id}`),
          })
        : { kind: 'unknown', reason: 'no such connector' };
      deps.log.info({ alertId, psp: row.psp, told: told.kind }, 'psp answered about a fraud report');
      return db.transaction().execute(async (trx) => {
        if (told.kind === 'told') await takeWord(trx, row, told);
        await settleFraudAlerts(trx, row.depositId);
        return mindDeadline(trx, alertId);
      });
    },
  };
}

async function takeWord(trx: Trx, row: FraudAlertRow, told: FraudAlertTold): Promise<void> {
  await trx
    .updateTable('payments.fraudAlert')
    .set({
      fraudType: told.fraudType?.slice(0, 100) ?? null,
      isActionable: told.isActionable,
      ...(told.money === null
        ? {}
        : { asset: told.money.asset, amount: orThrow(toUnits(told.money)).toString() }),
      toldAt: sql<Date>`now()`,
    })
    .where('id', '=', row.id)
    .execute();
}

async function mindDeadline(trx: Trx, alertId: string): Promise<FraudAlertStanding> {
  const row = await trx
    .selectFrom('payments.fraudAlert')
    .selectAll()
    .select(sql<number>`extract(epoch from due_at - now())::float8 * 1000`.as('dueInMs'))
    .where('id', '=', alertId)
    .forUpdate()
    .executeTakeFirstOrThrow();
  const state = fraudAlertStateOf(row);
  if (state === 'open' && row.dueInMs <= 0 && row.expiredAt === null) {
    await trx
      .updateTable('payments.fraudAlert')
      .set({ expiredAt: sql<Date>`now()` })
      .where('id', '=', alertId)
      .execute();
    await appendEvent(
      trx,
      {
        type: 'payments.fraud-alert.expired',
        version: 1,
        brand: row.brand,
        playerId: row.playerId,
        payload: { alertId, depositId: row.depositId },
      },
      {
        actor: { kind: 'workflow', id: `fraud-alert:${row.psp}:${row.pspReference}` },
        subject: `fraud-alert:${alertId}`,
      },
    );
  }
  return {
    state,
    isOver: isFraudAlertOver(state),
    isTold: row.toldAt !== null,
    remainingMs: state === 'open' && row.dueInMs > 0 ? row.dueInMs : null,
  };
}

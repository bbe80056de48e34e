/** Writes what a PSP said about an attempt: monotonic, with its event, and with the deposit's state beside it. */
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import { appendEvent } from '#activities/compliance/append-event.ts';
import {
  applyOutcome,
  hasTakenMoney,
  isResolved,
  type AttemptState,
} from '#domain/payments/attempt-state.ts';
import { declineTableVersion, type DeclineClass } from '#domain/payments/decline-class.ts';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import { assert, orThrow } from '#domain/failures.ts';
import { toUnits } from '#domain/money.ts';
import type { KeyedCard } from './connectors/card-identity.ts';
import { challengedOf, threeDsColumns, type ThreeDsAsked } from './three-ds-columns.ts';
import { attemptStateOf, declineClassOf, type AttemptRow } from './payment-rows.ts';
import { openWorkItem } from './commands/work-items.ts';

/** An attempt as workflows know it. */
export type AttemptView = {
  readonly number: number;
  readonly psp: string;
  readonly state: AttemptState;
  readonly declineClass: DeclineClass | null;
  readonly stepUp: boolean;
  readonly actionUrl: string | null;
  /** What the player's browser brought back waits in the row. */
  readonly hasReturned: boolean;
  /** The player was sent away. */
  readonly challenged?: boolean;
  /** The question did not get through, or the PSP does not know yet: what the row says proves nothing new. */
  readonly isUnclear?: boolean;
};

export const viewOf = (row: AttemptRow): AttemptView => ({
  number: row.number,
  psp: row.psp,
  state: attemptStateOf(row),
  declineClass: declineClassOf(row),
  stepUp: row.stepUp,
  actionUrl: row.state === 'action' ? row.actionUrl : null,
  hasReturned: row.returnedAt !== null,
  ...(challengedOf(row) ? { challenged: true } : {}),
});

/**
 * Applies `outcome` to the attempt under its deposit's lock and gives the row as it is afterwards. Few statements,
 * because a player may be waiting.
 */
export async function recordOutcome(
  db: Database,
  depositId: string,
  number: number,
  outcome: PspOutcome,
  heard: { readonly card?: KeyedCard | null; readonly asked?: ThreeDsAsked | null } = {},
): Promise<AttemptView> {
  if (outcome.kind === 'action') {
    const told = await recordFirstAction(db, depositId, number, outcome);
    if (told !== null) return viewOf(told);
  }
  return db.transaction().execute(async (trx) => {
    const row = await lockWithDeposit(trx, depositId, number);
    const before = attemptStateOf(row);
    const after = applyOutcome(before, outcome);
    const follows = after === before ? null : depositStateAfter(row.depositState, after);
    // A deposit that waits for its player has been in progress.
    if (row.depositState === 'requested' && follows === 'awaiting-action') {
      await setDepositState(trx, depositId, 'processing').execute();
    }
    const updated = await trx
      .with('followed', (writer) =>
        setDepositState(writer, depositId, follows ?? row.depositState).where(sql.lit(follows !== null)),
      )
      .updateTable('payments.attempt')
      .set({
        state: after,
        ...(isResolved(after) && !isResolved(before) ? { resolvedAt: sql<Date>`now()` } : {}),
        ...('pspReference' in outcome && outcome.pspReference !== null
          ? { pspReference: outcome.pspReference }
          : {}),
        ...(after !== before ? detailsOf(after, outcome) : {}),
        ...(heard.card && row.cardFingerprint === null
          ? {
              cardFingerprint: heard.card.fingerprint,
              cardNetwork: heard.card.network,
              cardBin: heard.card.bin,
              cardCountry: heard.card.country,
            }
          : {}),
        ...threeDsColumns(outcome, heard.asked ?? null),
      })
      .where('depositId', '=', depositId)
      .where('number', '=', number)
      .returningAll()
      .executeTakeFirstOrThrow();
    if (after !== before) {
      if (isResolved(after)) await appendResolution(trx, row, updated);
      if (after === 'late_approved') {
        await openWorkItem(trx, {
          kind: 'late-approval',
          subject: `deposit:${depositId}`,
          brand: row.brand,
          reason: `attempt ${number} at ${row.psp} was closed as ${before} and took money afterwards`,
        });
      }
    }
    return viewOf(updated);
  });
}

/**
 * What a player waits for most, an action as the first word on a call that was just made, in one statement; null, with
 * nothing changed, where anything else was heard before.
 */
async function recordFirstAction(
  db: Database,
  depositId: string,
  number: number,
  { url, pspReference }: Extract<PspOutcome, { kind: 'action' }>,
): Promise<AttemptRow | null> {
  const { rows } = await sql<AttemptRow>`
    with deposit as materialized (
      select id from payments.deposit where id = ${depositId} and state = 'processing' for update
    ),
    heard as (
      update payments.attempt a
      set state = 'action', action_url = ${url}, psp_reference = coalesce(${pspReference}, a.psp_reference)
      from deposit where a.deposit_id = deposit.id and a.number = ${number} and a.state = 'started'
      returning a.*
    ),
    told as (
      update payments.deposit d set state = 'awaiting-action' from heard where d.id = heard.deposit_id
    )
    select * from heard`.execute(db);
  return rows[0] ?? null;
}

type AttemptWithDeposit = AttemptRow & {
  readonly brand: string;
  readonly playerId: string;
  readonly depositState: string;
};

/** The deposit's row is locked first, as everywhere; the attempt is read as it is once both are held. */
async function lockWithDeposit(trx: Trx, depositId: string, number: number): Promise<AttemptWithDeposit> {
  const { rows } = await sql<AttemptWithDeposit>`
    with deposit as materialized (
      select id, brand, player_id, state from payments.deposit where id = ${depositId} for update
    )
    select a.*, deposit.brand, deposit.player_id, deposit.state as deposit_state
    from deposit join payments.attempt a on a.deposit_id = deposit.id and a.number = ${number}
    for update of a`.execute(trx);
  const row = rows[0];
  assert(row !== undefined, `deposit ${depositId} has an attempt ${number}`);
  return row;
}

export async function lockAttempt(trx: Trx, depositId: string, number: number): Promise<AttemptRow> {
  return trx
    .selectFrom('payments.attempt')
    .selectAll()
    .where('depositId', '=', depositId)
    .where('number', '=', number)
    .forUpdate()
    .executeTakeFirstOrThrow();
}

/** A later answer that does not tell whose the money is takes back nothing. */
const toldPlayer = ({ playerId = null }: { readonly playerId?: string | null }) =>
  playerId === null ? {} : { processedPlayer: playerId.slice(0, 100) };

function detailsOf(after: AttemptState, outcome: PspOutcome) {
  if (after === 'authorised' && outcome.kind === 'authorised') {
    return {
      processedAsset: outcome.authorised.asset,
      processedAmount: orThrow(toUnits(outcome.authorised)).toString(),
      instrument: JSON.stringify(outcome.instrument),
      severalCaptures: outcome.severalCaptures ?? null,
      ...toldPlayer(outcome),
    };
  }
  if (hasTakenMoney(after) && outcome.kind === 'approved') {
    return {
      processedAsset: outcome.processed.asset,
      processedAmount: orThrow(toUnits(outcome.processed)).toString(),
      instrument: JSON.stringify(outcome.instrument),
      ...toldPlayer(outcome),
    };
  }
  switch (outcome.kind) {
    case 'declined':
      return {
        declineClass: outcome.declineClass,
        rawCode: outcome.rawCode.slice(0, 100),
        networkCode: outcome.networkCode,
        adviceCode: outcome.adviceCode?.slice(0, 10) ?? null,
      };
    case 'action':
      return { actionUrl: outcome.url };
    case 'not_sent':
    case 'unknown':
      return { rawCode: outcome.reason.slice(0, 100) };
    default:
      return {};
  }
}

/** The deposit waits for the player exactly while an attempt does; null where it stays as it is. */
function depositStateAfter(
  depositState: string,
  attempt: AttemptState,
): 'awaiting-action' | 'processing' | null {
  const isAction = attempt === 'action';
  const from = isAction ? ['requested', 'processing', 'parked'] : ['requested', 'awaiting-action'];
  if (!from.includes(depositState)) return null;
  return isAction ? 'awaiting-action' : 'processing';
}

const setDepositState = (trx: Pick<Trx, 'updateTable'>, depositId: string, state: string) =>
  trx.updateTable('payments.deposit').set({ state }).where('id', '=', depositId);

export async function appendResolution(
  trx: Trx,
  deposit: { readonly brand: string; readonly playerId: string },
  attempt: AttemptRow,
): Promise<void> {
  await appendEvent(
    trx,
    {
      type: 'payments.attempt.resolved',
      version: 1,
      brand: deposit.brand,
      playerId: deposit.playerId,
      payload: {
        subject: `deposit:${attempt.depositId}`,
        attempt: attempt.number,
        psp: attempt.psp,
        outcome: attempt.state,
        declineClass: attempt.declineClass,
        declineTableVersion,
      },
    },
    {
      actor: { kind: 'workflow', id: `deposit:${attempt.depositId}` },
      subject: `deposit:${attempt.depositId}`,
    },
  );
}

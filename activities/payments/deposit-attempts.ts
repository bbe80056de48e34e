/** Everything a deposit does at a PSP. The row is claimed before the call; whatever happens then, the row can be asked about. */
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { isOpenOrApproved } from '#domain/payments/attempt-state.ts';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import { captureModeOf } from '#domain/payments/capture-mode.ts';
import { writtenWithinMs } from '#domain/payments/budgets.ts';
import { wishAt } from '#domain/payments/three-ds.ts';
import { fail, FailureError } from '#domain/failures.ts';
import type { ActivityDeps } from '../deps.ts';
import { keyedCard } from './connectors/card-identity.ts';
import { withWalletToken } from './wallet-accounts.ts';
import type { PaymentOrder, PortableThreeDs, PspConnector } from './connectors.ts';
import {
  attemptStateOf,
  lockDeposit,
  moneyOf,
  mustDeposit,
  optionsOf,
  pspsOf,
  readEvidence,
  sentForMs,
  returnedOf,
  type AttemptRow,
  type DepositRow,
} from './payment-rows.ts';
import { releaseLateAuthorisation } from './late-authorisation.ts';
import { closeForbidden, reserveAttempt } from './next-attempt.ts';
import { currentRetryRules } from './payment-limits.ts';
import { readRefusal, readStop, stopOf } from './payer-standing.ts';
import { lockAttempt, recordOutcome, viewOf, type AttemptView } from './record-outcome.ts';
import { methodOf, wishOf } from './three-ds-columns.ts';

export type AttemptInput = { readonly depositId: string; readonly number: number };

/** An attempt with its deposit's player and money, and what webhooks have said. */
type ClaimedAttempt = AttemptRow & {
  readonly playerId: string;
  readonly asset: string;
  readonly amount: string;
  readonly options: DepositRow['options'];
  readonly method: string;
  readonly captureMode: string;
  readonly threeDs: unknown;
  readonly evidence: readonly string[];
};

/** With the order of PSPs as it was written: who started the workflow ahead of the row may have had another in mind. */
export type SentAttemptView = AttemptView & { readonly psps: readonly string[] };

export type DepositAttemptDeps = Pick<
  ActivityDeps,
  'db' | 'psps' | 'breakers' | 'publicUrl' | 'log' | 'keyRing'
>;

export function createDepositAttemptActivities(deps: DepositAttemptDeps) {
  const { db } = deps;

  const orderOf = (
    row: Omit<ClaimedAttempt, 'options'>,
    ageMs: number,
    portable: PortableThreeDs | null = null,
  ): PaymentOrder => ({
    reference: row.reference,
    playerId: row.playerId,
    money: moneyOf(row),
    token: row.token,
    returnUrl: `${deps.publicUrl}/v1/deposits/${row.depositId}/return?t=${row.returnToken}`,
    method: methodOf(row),
    captureMode: captureModeOf(row.captureMode),
    stepUp: row.stepUp,
    threeDs: wishAt(wishOf(row.threeDs), {
      stepUp: row.stepUp,
      exemptions: deps.psps.get(row.psp)?.capabilities.threeDs?.exemptions ?? [],
    }),
    portable,
    pspReference: row.pspReference,
    sentAt: row.sentAt ?? row.startedAt,
    ageMs,
    isClosed: !isOpenOrApproved(attemptStateOf(row)),
    returned: returnedOf(row),
    evidence: row.evidence,
  });

  const readOrder = async (row: AttemptRow, ageMs: number): Promise<PaymentOrder> => {
    const [{ playerId, asset, amount, method, captureMode, threeDs }, evidence] = await Promise.all([
      mustDeposit(db, row.depositId),
      readEvidence(db, row.psp, `deposit:${row.depositId}`),
    ]);
    const order = { ...row, playerId, asset, amount, method, captureMode, threeDs, evidence };
    return orderOf(order, ageMs, await portableFor(row));
  };

  /**
   * The authentication of an earlier attempt, for a PSP that takes one over: asked of the PSP that ran it, for this call
   * alone, since its cryptogram is kept nowhere. A repeat of the call asks again, so that it is the same request.
   */
  const portableFor = async (row: AttemptRow): Promise<PortableThreeDs | null> => {
    if (row.number === 1 || deps.psps.get(row.psp)?.capabilities.threeDs?.takesPortable !== true) return null;
    const earlier = await db
      .selectFrom('payments.attempt')
      .selectAll()
      .where('depositId', '=', row.depositId)
      .where('number', '<', row.number)
      .where('psp', '<>', row.psp)
      .where('transStatus', 'in', ['Y', 'A'])
      .orderBy('number', 'desc')
      .limit(1)
      .executeTakeFirst();
    const source = earlier === undefined ? undefined : deps.psps.get(earlier.psp);
    if (earlier === undefined || source?.portableThreeDs === undefined) return null;
    const { playerId, asset, amount, method, captureMode, threeDs } = await mustDeposit(db, row.depositId);
    const order = { ...earlier, playerId, asset, amount, method, captureMode, threeDs, evidence: [] };
    return source.portableThreeDs(
      orderOf(order, Date.now() - (earlier.sentAt ?? earlier.startedAt).getTime()),
    );
  };

  const heard = async (
    row: AttemptRow,
    outcome: PspOutcome,
    order: PaymentOrder | null = null,
  ): Promise<AttemptView> => {
    deps.log.info({ reference: row.reference, psp: row.psp, outcome: outcome.kind }, 'psp answered');
    const card = (outcome.kind === 'approved' || outcome.kind === 'declined' ? outcome.card : null) ?? null;
    const asked =
      order === null || order.method !== 'card'
        ? null
        : { wish: order.threeDs, dsTransactionId: order.portable?.dsTransactionId ?? null };
    const kept = withWalletToken(deps.keyRing, row, outcome);
    const view = await recordOutcome(db, row.depositId, row.number, kept, {
      card: card && keyedCard(deps.keyRing, row.psp, card),
      asked,
    });
    await releaseLateAuthorisation(deps, row, view, outcome);
    return view;
  };

  const attemptAt = (input: AttemptInput) =>
    db
      .selectFrom('payments.attempt')
      .selectAll()
      .select(sentForMs.as('sentForMs'))
      .where('depositId', '=', input.depositId)
      .where('number', '=', input.number);

  const readAttempt = (input: AttemptInput) => attemptAt(input).executeTakeFirstOrThrow();

  /**
   * Marks the attempt as sent, for one caller only, and gives it with what its order needs; null when it was claimed
   * before, is not written yet or must not be sent any more. One statement, because a player waits for it. The deposit's
   * row is locked first, as everywhere.
   */
  const claim = async (input: AttemptInput): Promise<ClaimedAttempt | null> => {
    const { rows } = await sql<ClaimedAttempt>`
      with deposit as materialized (
        select id, player_id, asset, amount, options, method, capture_mode, three_ds,
          ${stopOf(sql.ref('d.player_id'))} as stop
        from payments.deposit d where id = ${input.depositId} for update
      ),
      sent as (
        update payments.attempt a set sent_at = now() from deposit
        where a.deposit_id = deposit.id and a.number = ${input.number} and a.state = 'started' and a.sent_at is null
          and deposit.stop is null
        returning a.*
      ),
      begun as (
        update payments.deposit d set state = 'processing' from sent
        where d.id = sent.deposit_id and d.state = 'requested'
      )
      select sent.*, deposit.player_id, deposit.asset, deposit.amount, deposit.options, deposit.method,
        deposit.capture_mode, deposit.three_ds,
        array(select w.body from compliance.webhook_inbox w
          where w.subject = 'deposit:' || deposit.id and w.source = 'psp:' || sent.psp order by w.id limit 100) as evidence
      from sent, deposit`.execute(db);
    return rows[0] ?? null;
  };

  /** Null when the attempt was claimed before. Failure: `not-found`, for an attempt that nobody has written in time. */
  const claimOnceWritten = async (input: AttemptInput): Promise<ClaimedAttempt | null> => {
    for (let waitedMs = 0, pauseMs = 2; ; waitedMs += pauseMs, pauseMs = Math.min(pauseMs * 2, 100)) {
      const claimed = await claim(input);
      if (claimed !== null) return claimed;
      const known = await attemptAt(input).executeTakeFirst();
      // One that is there and unsent was written between the two looks: it is still to be claimed.
      if (known !== undefined && (known.sentAt !== null || known.state !== 'started')) return null;
      if (known !== undefined && (await closeStopped(input))) return null;
      if (waitedMs > writtenWithinMs)
        throw new FailureError(fail('not-found', 'Nobody wrote this deposit.').failure);
      await delay(pauseMs);
    }
  };

  /** True when the attempt is closed, unsent, because its player has excluded himself or was locked meanwhile. */
  const closeStopped = (input: AttemptInput): Promise<boolean> =>
    db.transaction().execute(async (trx) => {
      const deposit = await lockDeposit(trx, input.depositId);
      const barred = await readRefusal(trx, deposit.playerId);
      if (barred !== null) await closeForbidden(trx, deposit, input, barred);
      return barred !== null;
    });

  const cancel = async (row: AttemptRow & { readonly sentForMs: number }): Promise<AttemptView> => {
    const connector = deps.psps.get(row.psp);
    return heard(row, connector ? await connector.cancel(await readOrder(row, row.sentForMs)) : noConnector);
  };

  return {
    /**
     * Writes the row and the key of a further attempt; refused by the database while another one is open. Where a rule
     * of the card's network or a list forbids it by now, the attempt is closed as declined, and nothing is sent.
     */
    async startAttempt(
      input: AttemptInput & { readonly psp: string; readonly stepUp: boolean },
    ): Promise<AttemptView> {
      const retryRules = await currentRetryRules(db);
      return db.transaction().execute(async (trx) => {
        const deposit = await lockDeposit(trx, input.depositId);
        const option = optionsOf(deposit).find(({ psp }) => psp === input.psp);
        if (!option)
          throw new Error(`Invariant broken: ${input.psp} is no option of deposit ${input.depositId}`);
        const refusal = await reserveAttempt(trx, deposit, { ...input, token: option.token }, retryRules);
        if (refusal !== null) await closeForbidden(trx, deposit, input, refusal);
        return viewOf(await lockAttempt(trx, input.depositId, input.number));
      });
    },

    /**
     * Sends the charge, once. An approval counts only after the status says so too. Called again, it tells how the
     * attempt stands and sends nothing. The row may still be on its way: it is waited for. Failure: `not-found`.
     */
    async authoriseAttempt(input: AttemptInput): Promise<SentAttemptView> {
      const row = await claimOnceWritten(input);
      if (row !== null) return { ...(await send(row)), psps: pspsOf(row) };
      const [known, deposit] = await Promise.all([readAttempt(input), mustDeposit(db, input.depositId)]);
      const view =
        known.state === 'started'
          ? await heard(known, { kind: 'unknown', reason: 'sent before' })
          : viewOf(known);
      return { ...view, psps: pspsOf(deposit) };
    },

    /** Asks for the status by our own reference. */
    async refreshAttempt(input: AttemptInput): Promise<AttemptView> {
      const row = await readAttempt(input);
      if (row.state === 'approved' || row.state === 'late_approved') return viewOf(row);
      if (row.sentAt === null) return closeUnsent(input);
      const connector = deps.psps.get(row.psp);
      const outcome = connector ? await connector.status(await readOrder(row, row.sentForMs)) : noConnector;
      const isUnclear = outcome.kind === 'unknown' || outcome.kind === 'pending';
      return { ...(await heard(row, outcome)), ...(isUnclear ? { isUnclear } : {}) };
    },

    /** Submits what the player's browser brought back; of a player who has excluded himself meanwhile it ends the attempt. */
    async continueAttempt(input: AttemptInput): Promise<AttemptView> {
      const row = await readAttempt(input);
      if (row.state !== 'action') return viewOf(row);
      const { playerId } = await mustDeposit(db, row.depositId);
      if ((await readStop(db, playerId)) !== null) return cancel(row);
      const connector = deps.psps.get(row.psp);
      if (!connector) return heard(row, noConnector);
      const order = await readOrder(row, row.sentForMs);
      const answer = await connector.continueAfterAction(order);
      return heard(
        row,
        answer.kind === 'approved' || answer.kind === 'authorised'
          ? await verified(connector, order, answer.pspReference)
          : answer,
      );
    },

    /** Ends an attempt that the player left; what the PSP says instead is recorded as it is. */
    async cancelAttempt(input: AttemptInput): Promise<AttemptView> {
      const row = await readAttempt(input);
      return row.state === 'action' ? cancel(row) : viewOf(row);
    },
  };

  async function send(row: ClaimedAttempt): Promise<AttemptView> {
    const connector = deps.psps.get(row.psp);
    if (!connector) return heard(row, { kind: 'not_sent', reason: 'no such connector' });
    // Held back after the claim and before a byte: proof, as a refused connection is.
    const turn = deps.breakers.admits(row.psp);
    if (turn === null) return heard(row, { kind: 'not_sent', reason: 'left alone for a while' });
    const order = orderOf(row, 0, await portableFor(row));
    const answer = await connector.authorise(order);
    deps.breakers.hear(row.psp, turn, answer);
    return heard(
      row,
      answer.kind === 'approved' || answer.kind === 'authorised'
        ? await verified(connector, order, answer.pspReference)
        : answer,
      order,
    );
  }

  /** Nothing was sent and, from this commit on, nothing will be: the claim needs an attempt that is still started. */
  async function closeUnsent(input: AttemptInput): Promise<AttemptView> {
    const closed = await db
      .updateTable('payments.attempt')
      .set({ state: 'not_sent', rawCode: 'never sent', resolvedAt: sql<Date>`now()` })
      .where('depositId', '=', input.depositId)
      .where('number', '=', input.number)
      .where('sentAt', 'is', null)
      .where('state', '=', 'started')
      .returningAll()
      .executeTakeFirst();
    return viewOf(closed ?? (await readAttempt(input)));
  }
}

/** A process without the connector cannot ask; that says nothing about the money. */
const noConnector: PspOutcome = { kind: 'unknown', reason: 'no such connector' };

async function verified(
  connector: PspConnector,
  order: PaymentOrder,
  pspReference: string,
): Promise<PspOutcome> {
  const outcome = await connector.status({ ...order, pspReference });
  return outcome.kind === 'unknown' || outcome.kind === 'not_found'
    ? { kind: 'pending', pspReference }
    : outcome;
}

/** What the `refund` workflow does: the ledger first, the PSP once, and then the end that the PSP's answer has. */
import { sql } from 'kysely';
import { appendEvent, type Deed } from '#activities/compliance/append-event.ts';
import { postTransfer } from '#activities/wallet/post.ts';
import type { Trx } from '#db/connect.ts';
import { mayDo } from '#domain/backoffice/roles.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import { toMoneyText } from '#domain/money.ts';
import { refundStateOf, type RefundState } from '#domain/payments/refund-state.ts';
import type { ActivityDeps } from '../deps.ts';
import { isOwnMoney } from './approver-standing.ts';
import { settleFraudAlerts } from './fraud-alert-steps.ts';
import { moneyOf } from './payment-rows.ts';
import type { RefundRow } from './commands/request-refund.ts';
import { closeWorkItems, openWorkItem } from './commands/work-items.ts';

export type RefundStanding = {
  readonly state: RefundState;
  readonly needsApproval: boolean;
  /** Hex, of what is decided on. */
  readonly payloadHash: string;
  /** Null where a policy asked. */
  readonly requestedBy: string | null;
  readonly decidedBy: string | null;
};

export type RefundDecision = {
  readonly operatorId: string;
  /** The role that gave the right. */
  readonly role: string;
  readonly decision: 'approve' | 'refuse';
  readonly reason: string;
  /** Hex, of what the operator was shown. */
  readonly payloadHash: string;
};

type Input = { readonly refundId: string };

const standingOf = (row: RefundRow): RefundStanding => ({
  state: refundStateOf(row.state),
  needsApproval: row.needsApproval,
  payloadHash: row.payloadHash.toString('hex'),
  requestedBy: row.requestedBy,
  decidedBy: row.decidedBy,
});

export function createRefundActivities(deps: Pick<ActivityDeps, 'db' | 'keyRing'>) {
  const { db } = deps;
  const locked = <T>(refundId: string, work: (trx: Trx, row: RefundRow) => Promise<T>): Promise<T> =>
    db.transaction().execute(async (trx) => {
      const row = await lockRefund(trx, refundId);
      const done = await work(trx, row);
      await settleFraudAlerts(trx, row.depositId);
      return done;
    });

  return {
    /** Where the refund stands; one that needs a second person begins to wait for that person. */
    async beginRefund({ refundId }: Input): Promise<RefundStanding> {
      return locked(refundId, async (trx, row) => {
        if (row.state !== 'requested' || !row.needsApproval) return standingOf(row);
        await setState(trx, row, 'awaiting-approval');
        return standingOf({ ...row, state: 'awaiting-approval' });
      });
    },

    /**
     * Writes the second person's word, once. Failures: `own-approval`, `already-decided`, `refund-not-open`,
     * `forbidden`.
     */
    async recordRefundDecision(input: Input & RefundDecision): Promise<RefundStanding> {
      return locked(input.refundId, async (trx, row) => {
        if (row.decidedBy !== null) {
          if (row.decidedBy === input.operatorId && row.decision === input.decision) return standingOf(row);
          throw refusal('already-decided', 'Somebody has decided on this refund before.');
        }
        if (
          input.operatorId === row.requestedBy ||
          (await isOwnMoney(trx, deps.keyRing, row, input.operatorId))
        )
          throw refusal('own-approval', 'Who asks for a refund, or gets it, does not decide on it.');
        if (row.state !== 'awaiting-approval')
          throw refusal('refund-not-open', `The refund is ${row.state}.`);
        if (row.payloadHash.toString('hex') !== input.payloadHash)
          throw refusal('refund-not-open', 'The refund is not the one that was shown.');
        if (!mayDo([input.role], 'payments:refund:decide'))
          throw refusal('forbidden', 'This role does not decide on refunds.');
        const isRefused = input.decision === 'refuse';
        const decided = await trx
          .updateTable('payments.refund')
          .set({
            state: isRefused ? 'refused' : 'approved',
            decidedBy: input.operatorId,
            decidedRole: input.role,
            decision: input.decision,
            decisionReason: input.reason,
            decidedHash: Buffer.from(input.payloadHash, 'hex'),
            decidedAt: sql<Date>`now()`,
            ...(isRefused ? { closedAt: sql<Date>`now()`, failureReason: 'refused-by-operator' } : {}),
          })
          .where('id', '=', row.id)
          .returningAll()
          .executeTakeFirstOrThrow();
        const deed: Deed = {
          actor: { kind: 'operator', id: input.operatorId },
          subject: `refund:${row.id}`,
          reason: input.reason,
        };
        if (isRefused) await tellRefused(trx, row, 'refused-by-operator', deed);
        else
          await appendEvent(
            trx,
            {
              type: 'payments.refund.approved',
              version: 1,
              brand: row.brand,
              playerId: row.playerId,
              payload: { refundId: row.id, operatorId: input.operatorId },
            },
            deed,
          );
        return standingOf(decided);
      });
    },

    /**
     * Takes the money from the player, before any PSP hears of it. A refund that cash no longer covers, or that the
     * deposit no longer does, is refused: it would leave a debt that nobody asked the player about.
     */
    async debitRefund({ refundId }: Input): Promise<RefundStanding> {
      return locked(refundId, async (trx, row) => {
        if (row.state !== 'requested' && row.state !== 'approved') return standingOf(row);
        if (row.secondCharge !== null) await creditSecondCharge(trx, row);
        const obstacle = await obstacleTo(trx, row);
        if (obstacle !== null) {
          await closeAs(trx, row, 'refused', obstacle);
          await tellRefused(trx, row, obstacle, byWorkflow(row));
          return standingOf({ ...row, state: 'refused' });
        }
        orThrow(await debit(trx, row, `refund:${row.id}:debit`));
        await setState(trx, row, 'submitted');
        await appendEvent(
          trx,
          {
            type: 'payments.refund.submitted',
            version: 1,
            brand: row.brand,
            playerId: row.playerId,
            payload: { refundId: row.id, depositId: row.depositId, money: moneyOf(row), psp: row.psp },
          },
          byWorkflow(row),
        );
        return standingOf({ ...row, state: 'submitted' });
      });
    },

    /**
     * Books what the call has shown in the end. `mismatch`: the PSP refunded another amount, and a person looks at it.
     * Repeating it changes nothing.
     */
    async settleRefund({ refundId }: Input): Promise<{ readonly state: RefundState | 'mismatch' }> {
      return locked(refundId, async (trx, row) => {
        switch (row.callState) {
          case 'paid':
          case 'late_paid':
            return settlePaid(trx, row);
          case 'declined':
          case 'not_sent':
            await giveBack(trx, row, 'refused', `refused by ${row.psp}`);
            return { state: 'refused' };
          case 'returned':
            await giveBack(trx, row, 'returned', `sent back to ${row.psp}`);
            return { state: 'returned' };
          default:
            throw new Error(`Invariant broken: the call of refund ${row.id} is ${row.callState}`);
        }
      });
    },

    /** Shows a refund to people; the player's money stays debited until its outcome is known. */
    async parkRefund({ refundId, reason }: Input & { readonly reason: string }): Promise<void> {
      await locked(refundId, async (trx, row) => {
        if (row.state !== 'submitted') return;
        await trx
          .updateTable('payments.refund')
          .set({ state: 'parked', failureReason: reason })
          .where('id', '=', row.id)
          .execute();
        await openWorkItem(trx, {
          kind: 'parked-refund',
          subject: `refund:${row.id}`,
          brand: row.brand,
          reason,
        });
      });
    },
  };
}

/** Null when the money can be taken. The wallet's row is locked from here to the end of the transaction. */
async function obstacleTo(
  trx: Trx,
  row: RefundRow,
): Promise<'insufficient-funds' | 'exceeds-captured' | null> {
  const wallet = await trx
    .selectFrom('wallet.playerWallet')
    .select('cash')
    .where('playerId', '=', row.playerId)
    .where('asset', '=', row.asset)
    .forUpdate()
    .executeTakeFirstOrThrow();
  if (BigInt(wallet.cash) < BigInt(row.amount)) return 'insufficient-funds';
  const { rows } = await sql<{ isCovered: boolean }>`
    select o.amount + coalesce((select sum(f.amount) from wallet.journal f
        where f.answers = o.id and f.code = 'deposit.capture'), 0) >= ${row.amount}::numeric + coalesce((select sum(c.amount) from wallet.journal c
      where c.answers = o.id and c.code in ('deposit.refund', 'chargeback.open')
        and not exists (select 1 from wallet.journal w where w.reverses = c.id)), 0) as is_covered
    from wallet.journal o where o.integration = 'pitboss' and o.external_id = ${captureKeyOf(row)}`.execute(
    trx,
  );
  return rows[0]?.isCovered === true ? null : 'exceeds-captured';
}

/** The journal that took the refunded charge in: the deposit's own, or that of its second charge. */
const captureKeyOf = (row: Pick<RefundRow, 'depositId' | 'secondCharge'>): string =>
  row.secondCharge === null
    ? `deposit:${row.depositId}:capture`
    : `deposit:${row.depositId}:a${row.secondCharge}:capture`;

/**
 * A second charge is the player's money at the PSP. It is credited in the transaction that debits it for the refund, so
 * that nobody can play with it meanwhile; where the PSP then refuses, the reversal leaves it with its owner.
 */
async function creditSecondCharge(trx: Trx, row: RefundRow): Promise<void> {
  orThrow(
    await postTransfer(trx, {
      key: captureKeyOf(row),
      playerId: row.playerId,
      asset: row.asset,
      amount: BigInt(row.amount),
      subject: `refund:${row.id}`,
      transfer: { code: 'deposit.capture', psp: row.psp },
    }),
  );
}

const debit = (trx: Trx, row: RefundRow, key: string) =>
  postTransfer(trx, {
    key,
    playerId: row.playerId,
    asset: row.asset,
    amount: BigInt(row.amount),
    subject: `refund:${row.id}`,
    transfer: { code: 'deposit.refund', capture: captureKeyOf(row) },
  });

async function settlePaid(trx: Trx, row: RefundRow): Promise<{ readonly state: RefundState | 'mismatch' }> {
  if (row.state === 'paid') return { state: 'paid' };
  if (row.processedAsset !== row.asset || row.processedAmount !== row.amount) {
    await openWorkItem(trx, {
      kind: 'amount-mismatch',
      subject: `refund:${row.id}`,
      brand: row.brand,
      reason: `${row.psp} refunded ${shown(row)} instead of ${moneyOf(row).amount} ${row.asset}`,
    });
    return { state: 'mismatch' };
  }
  // The PSP had said no, the player has the money again, and then it was refunded after all: it is taken once more.
  if (row.state === 'refused') {
    const again = await debit(trx, row, `refund:${row.id}:late`);
    if (!again.ok) {
      await openWorkItem(trx, {
        kind: 'late-approval',
        subject: `refund:${row.id}`,
        brand: row.brand,
        reason: `${row.psp} refunded after it had refused, and the ledger cannot take it: ${again.failure.code}`,
      });
      return { state: 'mismatch' };
    }
  }
  await closeAs(trx, row, 'paid', null);
  await closeWorkItems(trx, `refund:${row.id}`, ['parked-refund'], `refunded by ${row.psp}`);
  await appendEvent(
    trx,
    {
      type: 'payments.refund.paid',
      version: 1,
      brand: row.brand,
      playerId: row.playerId,
      payload: { refundId: row.id, depositId: row.depositId, money: moneyOf(row), psp: row.psp },
    },
    byWorkflow(row),
  );
  return { state: 'paid' };
}

const shown = (row: RefundRow): string =>
  row.processedAsset === null || row.processedAmount === null
    ? 'an unnamed amount'
    : `${toMoneyText(BigInt(row.processedAmount), row.processedAsset).amount} ${row.processedAsset}`;

/** The journal that took the money is reversed; which one it was, depends on how the money went. */
async function giveBack(trx: Trx, row: RefundRow, to: 'refused' | 'returned', reason: string): Promise<void> {
  if (row.state === to) return;
  const late = await trx
    .selectFrom('wallet.journal')
    .select('id')
    .where('integration', '=', 'pitboss')
    .where('externalId', '=', `refund:${row.id}:late`)
    .executeTakeFirst();
  const taken = late === undefined ? `refund:${row.id}:debit` : `refund:${row.id}:late`;
  orThrow(
    await postTransfer(trx, {
      key: `${taken}:return`,
      playerId: row.playerId,
      asset: row.asset,
      amount: BigInt(row.amount),
      subject: `refund:${row.id}`,
      transfer: { code: 'deposit.refund-return', refund: taken },
    }),
  );
  await closeAs(trx, row, to, reason);
  await closeWorkItems(trx, `refund:${row.id}`, ['parked-refund'], reason);
  if (row.secondCharge !== null) {
    const charge = (await isOfEndedDeposit(trx, row))
      ? 'a charge that was not authenticated'
      : 'a second charge';
    await openWorkItem(trx, {
      kind: 'late-approval',
      subject: `deposit:${row.depositId}`,
      brand: row.brand,
      reason: `${row.psp} keeps ${charge} (${reason}); its money is the player's cash now`,
    });
  }
  if (to === 'refused') await tellRefused(trx, row, reason, byWorkflow(row));
  else
    await appendEvent(
      trx,
      {
        type: 'payments.refund.returned',
        version: 1,
        brand: row.brand,
        playerId: row.playerId,
        payload: { refundId: row.id, depositId: row.depositId, money: moneyOf(row), psp: row.psp },
      },
      byWorkflow(row),
    );
}

/** The charge of a deposit that was given up: what stays with the player was never meant to. */
async function isOfEndedDeposit(trx: Trx, row: RefundRow): Promise<boolean> {
  const { state } = await trx
    .selectFrom('payments.deposit')
    .select('state')
    .where('id', '=', row.depositId)
    .executeTakeFirstOrThrow();
  return state === 'failed';
}

const tellRefused = (trx: Trx, row: RefundRow, reason: string, deed: Deed): Promise<void> =>
  appendEvent(
    trx,
    {
      type: 'payments.refund.refused',
      version: 1,
      brand: row.brand,
      playerId: row.playerId,
      payload: { refundId: row.id, depositId: row.depositId, money: moneyOf(row), reason },
    },
    deed,
  );

const closeAs = (
  trx: Trx,
  row: RefundRow,
  state: 'paid' | 'refused' | 'returned',
  failureReason: string | null,
) =>
  trx
    .updateTable('payments.refund')
    .set({ state, failureReason, closedAt: sql<Date>`now()` })
    .where('id', '=', row.id)
    .execute();

const setState = (trx: Trx, row: RefundRow, state: RefundState) =>
  trx.updateTable('payments.refund').set({ state }).where('id', '=', row.id).execute();

export async function lockRefund(trx: Trx, refundId: string): Promise<RefundRow> {
  const row = await trx
    .selectFrom('payments.refund')
    .selectAll()
    .where('id', '=', refundId)
    .forUpdate()
    .executeTakeFirst();
  if (!row) throw refusal('not-found', 'There is no such refund.');
  return row;
}

const refusal = (code: Parameters<typeof fail>[0], detail: string): FailureError =>
  new FailureError(fail(code, detail).failure);

const byWorkflow = (row: Pick<RefundRow, 'id'>) =>
  ({ actor: { kind: 'workflow', id: `refund:${row.id}` }, subject: `refund:${row.id}` }) as const;

/** How a deposit ends: credited once, given up, or handed to a person. Each is one transaction. */
import { sql } from 'kysely';
import { z } from 'zod';
import type { Trx } from '#db/connect.ts';
import { appendEvent } from '#activities/compliance/append-event.ts';
import {
  releaseDepositLimit,
  retakeDepositLimit,
} from '#activities/responsible-gambling/commands/deposit-limit.ts';
import { postTransfer } from '#activities/wallet/post.ts';
import { orThrow } from '#domain/failures.ts';
import { toMoneyText } from '#domain/money.ts';
import { afterAuthentication, transStatusOf } from '#domain/payments/three-ds.ts';
import { walletToken } from '#domain/payments/wallet-payout.ts';
import type { ActivityDeps } from '../deps.ts';
import { endAuthorisation, findAuthorisation } from './authorisations.ts';
import { lockDeposit, moneyOf, type AttemptRow, type DepositRow } from './payment-rows.ts';
import { closeWorkItems, openWorkItem } from './commands/work-items.ts';
import { lockAttempt } from './record-outcome.ts';
import { wishOf } from './three-ds-columns.ts';

/** `elsewhere`: another attempt was credited, this one took money too. */
export type CaptureOutcome = {
  readonly kind: 'captured' | 'mismatch' | 'elsewhere' | 'not-authenticated';
  /** Only a part was captured so far, and the PSP holds the rest. */
  readonly isHeld?: true;
};

const instrumentDetails = z
  .object({
    token: z.string(),
    cardBrand: z.string().nullable(),
    last4: z.string().nullable(),
    expiryMonth: z.number().nullable(),
    expiryYear: z.number().nullable(),
  })
  .nullable();

export function createDepositActivities(deps: Pick<ActivityDeps, 'db'>) {
  return {
    /**
     * Credits an approved attempt, once for ever. `mismatch` when the PSP moved another amount or currency than ours,
     * or says that it is another player's: then nothing is credited. Failures: the wallet's.
     */
    async captureDeposit(input: {
      readonly depositId: string;
      readonly number: number;
    }): Promise<CaptureOutcome> {
      return deps.db.transaction().execute(async (trx) => {
        const deposit = await lockDeposit(trx, input.depositId);
        const attempt = await lockAttempt(trx, input.depositId, input.number);
        if (attempt.state !== 'approved' && attempt.state !== 'late_approved') {
          throw new Error(`Invariant broken: attempt ${attempt.reference} is ${attempt.state}, not approved`);
        }
        if (deposit.state === 'captured')
          return isCapturing(deposit, attempt)
            ? { kind: 'captured', ...((await isHeld(trx, deposit.id)) ? { isHeld: true } : {}) }
            : { kind: 'elsewhere' };
        if (attempt.processedAsset !== deposit.asset || attempt.processedAmount !== deposit.amount) {
          await openWorkItem(trx, {
            kind: 'amount-mismatch',
            subject: `deposit:${deposit.id}`,
            brand: deposit.brand,
            reason: `${attempt.psp} moved another amount than the deposit's`,
          });
          return { kind: 'mismatch' };
        }
        if (isOfAnother(deposit, attempt)) {
          await openWorkItem(trx, {
            kind: 'amount-mismatch',
            subject: `deposit:${deposit.id}`,
            brand: deposit.brand,
            reason: `${attempt.psp} moved it for another player than the deposit's`,
          });
          return { kind: 'mismatch' };
        }
        // The PSP took money on an authentication that may not be used. It is there, so a person sends it back.
        if (afterAuthentication(transStatusOf(attempt.transStatus), wishOf(deposit.threeDs)) === 'refuse')
          return { kind: 'not-authenticated' };
        await creditDeposit(trx, deposit, attempt, BigInt(deposit.amount));
        await endAuthorisation(trx, deposit.id, 'elsewhere', 'closed');
        return { kind: 'captured' };
      });
    },

    /** Ends a deposit that took no money and gives the limit back; an end that came before stays. */
    async failDeposit(input: { readonly depositId: string; readonly reason: string }): Promise<void> {
      await deps.db.transaction().execute(async (trx) => {
        const deposit = await lockDeposit(trx, input.depositId);
        if (deposit.state === 'captured' || deposit.state === 'failed') return;
        await giveUp(trx, deposit, input.reason);
      });
    },

    /** Shows a deposit to people; its share of the limit stays taken until its outcome is known. */
    async parkDeposit(input: { readonly depositId: string; readonly reason: string }): Promise<void> {
      await deps.db.transaction().execute(async (trx) => {
        const deposit = await lockDeposit(trx, input.depositId);
        if (deposit.state === 'captured' || deposit.state === 'failed' || deposit.state === 'parked') return;
        await trx
          .updateTable('payments.deposit')
          .set({ state: 'parked', failureReason: input.reason })
          .where('id', '=', deposit.id)
          .execute();
        await openWorkItem(trx, {
          kind: 'parked-deposit',
          subject: `deposit:${deposit.id}`,
          brand: deposit.brand,
          reason: input.reason,
        });
        await appendEvent(
          trx,
          {
            type: 'payments.deposit.parked',
            version: 1,
            brand: deposit.brand,
            playerId: deposit.playerId,
            payload: { depositId: deposit.id, money: moneyOf(deposit), reason: input.reason },
          },
          byWorkflow(deposit),
        );
      });
    },
  };
}

/** The PSP names a player, and it is not this one. */
export const isOfAnother = (
  deposit: Pick<DepositRow, 'playerId'>,
  attempt: Pick<AttemptRow, 'processedPlayer'>,
): boolean => attempt.processedPlayer !== null && attempt.processedPlayer !== deposit.playerId;

/** Two attempts may be at one PSP: its name alone decides only for rows that are older than the number. */
const isCapturing = (deposit: DepositRow, attempt: AttemptRow): boolean =>
  deposit.capturedAttempt === null
    ? deposit.capturedPsp === attempt.psp
    : deposit.capturedAttempt === attempt.number;

/** Gives the limit back and ends the deposit; the caller holds its lock and knows that no money was taken. */
export async function giveUp(trx: Trx, deposit: DepositRow, reason: string): Promise<void> {
  await releaseDepositLimit(trx, deposit.id);
  await trx
    .updateTable('payments.deposit')
    .set({ state: 'failed', failureReason: reason })
    .where('id', '=', deposit.id)
    .execute();
  await closeWorkItems(trx, `deposit:${deposit.id}`, ['parked-deposit'], `failed: ${reason}`);
  await appendEvent(
    trx,
    {
      type: 'payments.deposit.failed',
      version: 1,
      brand: deposit.brand,
      playerId: deposit.playerId,
      payload: { depositId: deposit.id, money: moneyOf(deposit), reason },
    },
    byWorkflow(deposit),
  );
}

/** The first journal of a deposit's money; refunds and chargebacks answer it, further captures too. */
const firstCaptureKey = (depositId: string): string => `deposit:${depositId}:capture`;

/** Credits `amount` of the deposit, which is what was captured, once for ever; answers with the journal. */
export async function creditDeposit(
  trx: Trx,
  deposit: DepositRow,
  attempt: AttemptRow,
  amount: bigint,
): Promise<string> {
  // Its end gave the limit back. The guard is locked before the wallet's row.
  if (deposit.state === 'failed')
    await retakeDepositLimit(trx, { playerId: deposit.playerId, depositId: deposit.id });
  const instrumentId = await keepInstrument(trx, deposit, attempt);
  const { journalId } = orThrow(
    await postTransfer(trx, {
      key: firstCaptureKey(deposit.id),
      playerId: deposit.playerId,
      asset: deposit.asset,
      amount,
      subject: `deposit:${deposit.id}`,
      transfer: { code: 'deposit.capture', psp: attempt.psp },
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
  await trx
    .updateTable('payments.deposit')
    .set({
      state: 'captured',
      capturedAt: sql<Date>`now()`,
      capturedPsp: attempt.psp,
      capturedAttempt: attempt.number,
      capturedAmount: amount.toString(),
      instrumentId,
      first,
      failureReason: null,
    })
    .where('id', '=', deposit.id)
    .execute();
  await closeWorkItems(
    trx,
    `deposit:${deposit.id}`,
    ['parked-deposit', 'late-approval'],
    `credited from ${attempt.psp}`,
  );
  await appendEvent(
    trx,
    {
      type: 'payments.deposit.captured',
      version: 1,
      brand: deposit.brand,
      playerId: deposit.playerId,
      payload: {
        depositId: deposit.id,
        money: toMoneyText(amount, deposit.asset),
        psp: attempt.psp,
        first,
      },
    },
    byWorkflow(deposit),
  );
  return journalId;
}

/** Credits what a further capture of the same charge brought, under its own key; answers with the journal. */
export async function creditFurther(
  trx: Trx,
  deposit: DepositRow,
  capture: { readonly id: string; readonly psp: string },
  amount: bigint,
): Promise<string> {
  const { journalId } = orThrow(
    await postTransfer(trx, {
      key: `${firstCaptureKey(deposit.id)}:${capture.id}`,
      playerId: deposit.playerId,
      asset: deposit.asset,
      amount,
      subject: `deposit:${deposit.id}`,
      transfer: { code: 'deposit.capture', psp: capture.psp, first: firstCaptureKey(deposit.id) },
    }),
  );
  await trx
    .updateTable('payments.deposit')
    .set({ capturedAmount: (BigInt(deposit.capturedAmount ?? deposit.amount) + amount).toString() })
    .where('id', '=', deposit.id)
    .execute();
  return journalId;
}

const isHeld = async (trx: Trx, depositId: string): Promise<boolean> => {
  const held = await findAuthorisation(trx, depositId);
  return held !== null && held.state !== 'closed';
};

/** The card or the wallet's account that paid becomes a place where money may go back to. */
async function keepInstrument(trx: Trx, deposit: DepositRow, attempt: AttemptRow): Promise<string | null> {
  const isWallet = deposit.method === 'e-wallet';
  if (deposit.method !== 'card' && !isWallet) return null;
  const details = instrumentDetails.parse(attempt.instrument ?? null);
  const known = {
    cardBrand: details?.cardBrand ?? null,
    last4: details?.last4 ?? null,
    expiryMonth: details?.expiryMonth ?? null,
    expiryYear: details?.expiryYear ?? null,
  };
  const row = await trx
    .insertInto('payments.instrument')
    .values({
      id: sql<string>`gen_random_uuid()`,
      playerId: deposit.playerId,
      psp: attempt.psp,
      kind: isWallet ? 'e-wallet' : 'card',
      token:
        details?.token ?? (isWallet ? walletToken(attempt.token, { depositId: deposit.id }) : attempt.token),
      ...known,
    })
    .onConflict((conflict) =>
      conflict.columns(['playerId', 'psp', 'token']).doUpdateSet((eb) => ({
        cardBrand: eb.fn.coalesce('excluded.cardBrand', 'payments.instrument.cardBrand'),
        last4: eb.fn.coalesce('excluded.last4', 'payments.instrument.last4'),
        expiryMonth: eb.fn.coalesce('excluded.expiryMonth', 'payments.instrument.expiryMonth'),
        expiryYear: eb.fn.coalesce('excluded.expiryYear', 'payments.instrument.expiryYear'),
      })),
    )
    .returning('id')
    .executeTakeFirstOrThrow();
  return row.id;
}

const byWorkflow = (deposit: Pick<DepositRow, 'id'>) =>
  ({ actor: { kind: 'workflow', id: `deposit:${deposit.id}` }, subject: `deposit:${deposit.id}` }) as const;

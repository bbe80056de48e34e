/** What becomes of a wallet's payout that its PSP says did not arrive after all: the PSP is asked, and the ledger follows. */
import { fail, FailureError } from '#domain/failures.ts';
import type { ActivityDeps } from '../deps.ts';
import { payoutCall } from './payout-calls.ts';
import { lockWithdrawal, sentForMs } from './payment-rows.ts';
import { takeLegBack } from './returned-leg.ts';
import { mustLeg } from './withdrawal-legs.ts';

export type PayoutReturnInput = { readonly withdrawalId: string; readonly number: number };

/** `stands`: it was paid, or it is not a wallet's. `unclear`: the PSP has to be asked again. */
export type PayoutReturnView = { readonly outcome: 'returned' | 'stands' | 'unclear' };

export function createPayoutReturnActivities({ db, psps, log }: Pick<ActivityDeps, 'db' | 'psps' | 'log'>) {
  return {
    /**
     * Gives the money back where the PSP has proven that it came back, once. Throws `dependency-unavailable`, which
     * passes, while the payout is still being settled.
     */
    async followPayoutReturn({ withdrawalId, number }: PayoutReturnInput): Promise<PayoutReturnView> {
      const row = await db
        .selectFrom('payments.payoutAttempt')
        .selectAll()
        .select(sentForMs.as('sentForMs'))
        .where('withdrawalId', '=', withdrawalId)
        .where('number', '=', number)
        .executeTakeFirstOrThrow();
      if (row.state !== 'paid') return { outcome: 'stands' };
      const connector = psps.get(row.psp);
      if (connector === undefined) return { outcome: 'unclear' };
      const outcome = await (await payoutCall(db, row, row.sentForMs)).ask(connector);
      log.info(
        { reference: row.reference, outcome: outcome.kind },
        'psp answered about a payout that was paid',
      );
      if (outcome.kind === 'approved') return { outcome: 'stands' };
      if (outcome.kind !== 'declined') return { outcome: 'unclear' };
      return db.transaction().execute(async (trx) => {
        const withdrawal = await lockWithdrawal(trx, withdrawalId);
        const leg = await mustLeg(trx, withdrawalId, row.leg);
        if (leg.depositId === null) return { outcome: 'stands' };
        if (leg.state === 'planned')
          throw new FailureError(fail('dependency-unavailable', 'The payout is being settled.').failure);
        if (leg.state === 'paid')
          await takeLegBack(trx, withdrawal, leg, {
            psp: row.psp,
            sender: row.psp,
            reason: outcome.rawCode.slice(0, 100),
            actor: { kind: 'workflow', id: `payout-return:${withdrawalId}:${number}` },
          });
        return { outcome: 'returned' };
      });
    },
  };
}

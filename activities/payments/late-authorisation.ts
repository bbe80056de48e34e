/**
 * A hold that a PSP grants on an attempt that was closed before: nobody will capture it, so it is given back at once.
 * Left alone it would keep the player's money at his bank for a week.
 */
import type { Database } from '#db/connect.ts';
import { isClosedUnpaid } from '#domain/payments/attempt-state.ts';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import { toMoneyText } from '#domain/money.ts';
import type { ActivityDeps } from '../deps.ts';
import { findAuthorisation } from './authorisations.ts';
import { openWorkItem } from './commands/work-items.ts';
import { mustDeposit, type AttemptRow } from './payment-rows.ts';
import type { AttemptView } from './record-outcome.ts';

/** Call it after `outcome` was recorded, with the attempt as it stands now. What is closed stays so, whatever this does. */
export async function releaseLateAuthorisation(
  deps: Pick<ActivityDeps, 'db' | 'psps' | 'log'>,
  attempt: Pick<AttemptRow, 'depositId' | 'number' | 'psp' | 'reference'>,
  standing: Pick<AttemptView, 'state'>,
  outcome: PspOutcome,
): Promise<void> {
  if (outcome.kind !== 'authorised' || !isClosedUnpaid(standing.state)) return;
  const deposit = await mustDeposit(deps.db, attempt.depositId);
  // Captured by itself it is money that came late. A hold that was ours was ended by its own void.
  if (deposit.captureMode === 'automatic' || (await wasHeld(deps.db, attempt))) return;
  const answer = await deps.psps.get(attempt.psp)?.modifications?.modify({
    kind: 'void',
    isFinal: true,
    // One key for ever: a repeat is the same void.
    reference: `${attempt.reference}:v`,
    chargeReference: outcome.pspReference,
    money: outcome.authorised,
    capturedBefore: toMoneyText(0n, outcome.authorised.asset),
    pspReference: null,
    ageMs: 0,
    evidence: [],
  });
  deps.log.info(
    { reference: attempt.reference, psp: attempt.psp, outcome: answer?.kind ?? 'not spoken' },
    'psp answered about the void of a late authorisation',
  );
  if (answer?.kind === 'approved' || answer?.kind === 'pending') return;
  await openWorkItem(deps.db, {
    kind: 'late-approval',
    subject: `deposit:${deposit.id}`,
    brand: deposit.brand,
    reason: `${attempt.psp} holds money for attempt ${attempt.number}, which was closed as ${standing.state}, and does not void it`,
  });
}

async function wasHeld(db: Database, attempt: Pick<AttemptRow, 'depositId' | 'number'>): Promise<boolean> {
  return (await findAuthorisation(db, attempt.depositId))?.attempt === attempt.number;
}

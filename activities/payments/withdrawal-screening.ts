/** Asks before a payout whether its player is on a list: an answer that is old is no answer, and an outage is none either. */
import {
  answerScreening,
  currentScreening,
  identifiedApplicant,
  screeningStateOf,
  type ScreenedApplicant,
  type ScreeningAnswer,
  type ScreeningRow,
} from '#activities/kyc/commands/screenings.ts';
import type { Trx } from '#db/connect.ts';
import { FailureError } from '#domain/failures.ts';
import { vendorLevelName } from '#domain/kyc/levels.ts';
import type { ScreeningOutcome } from '#domain/kyc/screening.ts';
import type { ActivityDeps } from '../deps.ts';
import { closeWorkItems, openWorkItem } from './commands/work-items.ts';
import { mayBePaid } from './held-money.ts';
import { lockWithdrawal } from './payment-rows.ts';

export function createScreeningActivities(deps: Pick<ActivityDeps, 'db' | 'kycVendor' | 'log'>) {
  const { db } = deps;
  return {
    /**
     * Where the player of a withdrawal stands with the lists now. The vendor is asked under one name per question, so a
     * repeat finds the first answer. `unavailable` when it gives none that may be used; a person is told.
     */
    async screenWithdrawal({
      withdrawalId,
    }: {
      readonly withdrawalId: string;
    }): Promise<{ readonly outcome: ScreeningOutcome }> {
      const subject = `withdrawal:${withdrawalId}`;
      const row = await db.transaction().execute(async (trx) => {
        const { playerId, brand } = await lockWithdrawal(trx, withdrawalId);
        const current = await currentScreening(trx, { subject, playerId, brand });
        return {
          ...current,
          isPermitted: current.state === 'confirmed' && (await mayBePaid(trx, withdrawalId)),
        };
      });
      if (row.isPermitted) return { outcome: 'clear' };
      if (row.state !== 'asked') return { outcome: outcomeOf(row) };
      const answer = await ask(row);
      return db.transaction().execute(async (trx) => {
        if (answer === null) {
          await openWorkItem(trx, {
            kind: 'screening-unavailable',
            subject,
            brand: row.brand,
            reason: 'the KYC vendor gives no answer about lists; the withdrawal waits',
          });
          return { outcome: 'unavailable' };
        }
        const answered = await answerScreening(trx, row.id, answer);
        await showTo(trx, answered);
        return { outcome: outcomeOf(answered) };
      });
    },
  };

  async function ask(row: ScreeningRow): Promise<ScreeningAnswer | null> {
    const { kycVendor, log } = deps;
    try {
      const person = (await identifiedApplicant(deps.db, row.playerId)) ?? (await unidentified(row.playerId));
      // A player who is identified while the question is open is asked about anew: the first answer was about another applicant.
      return await kycVendor.screen({ ...person, requestId: `${row.id}:${person.applicantId}` });
    } catch (error) {
      if (!(error instanceof FailureError) || error.failure.code !== 'dependency-unavailable') throw error;
      log.warn({ screeningId: row.id, reason: error.failure.detail }, 'no answer about lists');
      return null;
    }
  }

  /** Where the vendor has approved no document of the player, it is asked about the applicant of his own id. */
  async function unidentified(playerId: string): Promise<ScreenedApplicant> {
    const { applicantId } = await deps.kycVendor.ensureApplicant({
      externalUserId: playerId,
      levelName: vendorLevelName('L1'),
    });
    return { applicantId, externalUserId: playerId };
  }
}

async function showTo(trx: Trx, row: ScreeningRow): Promise<void> {
  await closeWorkItems(trx, row.subject, ['screening-unavailable'], `answered: ${row.state}`);
  if (row.state === 'hit')
    await openWorkItem(trx, {
      kind: 'screening-hit',
      subject: row.subject,
      brand: row.brand,
      reason: `on ${row.lists.join(', ')}: screening ${row.id}`,
    });
}

function outcomeOf(row: ScreeningRow): ScreeningOutcome {
  const state = screeningStateOf(row);
  switch (state) {
    case 'clear':
    case 'cleared':
      return 'clear';
    case 'hit':
    case 'confirmed':
      return state;
    case 'asked':
      return 'unavailable';
  }
}

/** A database that is away for half an hour ends no workflow that is the only clock of its row: it would never start again. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { createAwardActivities } from '#activities/bonus/awards.ts';
import type { createMessageActivities } from '#activities/crm/messages.ts';
import type { createRoundActivities } from '#activities/games/rounds.ts';
import type { createKycVendorActivities } from '#activities/kyc/vendor-activities.ts';
import type { createVerificationActivities } from '#activities/kyc/verification-activities.ts';
import type { createRegistrationActivities } from '#activities/pam/registrations.ts';
import type { createDepositAttemptActivities } from '#activities/payments/deposit-attempts.ts';
import type { createDepositActivities } from '#activities/payments/deposit-outcomes.ts';
import type { createExclusionActivities } from '#activities/responsible-gambling/exclusion-activities.ts';
import { fail, FailureError } from '#domain/failures.ts';
import { bonusAwardStart } from '#workflows/bonus-award.contract.ts';
import type { bonusAward } from '#workflows/bonus-award.ts';
import { depositLateStart } from '#workflows/deposit-late.contract.ts';
import type { depositLate } from '#workflows/deposit-late.ts';
import { registrationStart } from '#workflows/registration.contract.ts';
import type { registration } from '#workflows/registration.ts';
import { roundWorkflowId } from '#workflows/round.contract.ts';
import type { round } from '#workflows/round.ts';
import { timeOutStart } from '#workflows/time-out.contract.ts';
import type { timeOut } from '#workflows/time-out.ts';
import { verificationStart } from '#workflows/verification.contract.ts';
import type { verification } from '#workflows/verification.ts';
import {
  createWorkflowEnvironment,
  describeWorkflows,
  type WorkflowEnvironment,
} from '#test/support/temporal.ts';
import { TypedSearchAttributes } from '@temporalio/common';

/** Three times what the retry profile of our own transactions waits. */
const outageMs = 30 * 60_000;

/** Asked for with each failure, so that an outage is ten calls and not hundreds. */
const retryAfterS = 240;

let workflows: WorkflowEnvironment;

/** Plays an activity whose database goes away with the first question and comes back after the outage. */
function afterOutage<T>(answer: T): () => Promise<T> {
  let backAtMs: number | undefined;
  return async () => {
    const nowMs = await workflows.env.currentTimeMs();
    backAtMs ??= nowMs + outageMs;
    if (nowMs < backAtMs)
      throw new FailureError(
        fail('dependency-unavailable', 'The database is away.', { retryAfterS }).failure,
      );
    return answer;
  };
}

const account = () => ({ playerId: randomUUID(), brand: 'aurora', jurisdiction: 'MT' });

describeWorkflows('an outage of half an hour', () => {
  beforeAll(async () => {
    workflows = await createWorkflowEnvironment();
  }, 60_000);
  afterAll(() => workflows?.close());

  test('leaves the clock of an exclusion running', async () => {
    const player = {
      advanceExclusion: afterOutage({ state: 'ended', over: true, remainingMs: null }),
    } satisfies ReturnType<typeof createExclusionActivities>;
    await workflows.runWorkflows({ activities: { player } }, async (client) => {
      const handle = await client.workflow.start<typeof timeOut>(
        'timeOut',
        timeOutStart({ ...account(), number: 1 }),
      );
      expect(await handle.result()).toBe('ended');
      await workflows.exportHistory(handle, 'time-out.database-away');
    });
  });

  test('delays the conversion of an award and does not lose it', async () => {
    const money = {
      readAward: afterOutage({ state: 'active' as const, wagered: true, remainingMs: 1_000 }),
      convertAward: afterOutage('converted' as const),
      forfeitAward: async () => 'forfeited' as const,
    } satisfies ReturnType<typeof createAwardActivities>;
    await workflows.runWorkflows({ activities: { money } }, async (client) => {
      const handle = await client.workflow.start<typeof bonusAward>(
        'bonusAward',
        bonusAwardStart({ ...account(), awardId: randomUUID() }),
      );
      expect(await handle.result()).toBe('converted');
      await workflows.exportHistory(handle, 'bonus-award.database-away');
    });
  });

  test('delays the stake that an open round gives back', async () => {
    const play = {
      readRound: afterOutage({ state: 'open' as const, opening: 1, version: 1 }),
      voidRound: afterOutage({ returned: 1, over: true }),
    } satisfies Partial<ReturnType<typeof createRoundActivities>>;
    const provider = {
      askProvider: async () => ({ state: 'void' as const }),
    } satisfies Partial<ReturnType<typeof createRoundActivities>>;
    await workflows.runWorkflows({ activities: { play, provider } }, async (client) => {
      const input = { ...account(), integration: 'studio', roundRef: randomUUID(), asset: 'EUR', opening: 1 };
      const handle = await client.workflow.start<typeof round>('round', {
        workflowId: roundWorkflowId(input),
        taskQueue: 'play',
        args: [input],
      });
      expect(await handle.result()).toMatchObject({ stage: 'void' });
      await workflows.exportHistory(handle, 'round.database-away');
    });
  });

  test('delays the end of a registration, whose address is freed all the same', async () => {
    const player = {
      readRegistration: afterOutage({ state: 'unverified' as const }),
      closeRegistration: afterOutage({ state: 'closed' as const }),
    } satisfies ReturnType<typeof createRegistrationActivities>;
    const batch = {
      sendEmail: afterOutage({ state: 'sent' as const }),
      abandonEmail: afterOutage({ state: 'failed' as const }),
    } satisfies ReturnType<typeof createMessageActivities>;
    await workflows.runWorkflows({ activities: { player, batch } }, async (client) => {
      const { typedSearchAttributes, ...start } = registrationStart(account());
      const handle = await client.workflow.start<typeof registration>('registration', {
        ...start,
        typedSearchAttributes: new TypedSearchAttributes(typedSearchAttributes),
      });
      expect(await handle.result()).toBe('closed');
      await workflows.exportHistory(handle, 'registration.database-away');
    });
  });

  test('delays the reminder and the expiry of a verification', async () => {
    const player = {
      remindOfVerification: afterOutage(undefined),
      expireVerification: afterOutage({ state: 'expired' as const, attempt: 1, remainingMs: 0 }),
    } satisfies Partial<ReturnType<typeof createVerificationActivities>>;
    const provider = {
      reviewApplicant: async () => ({ state: 'opened' as const, attempt: 1 }),
    } satisfies Partial<ReturnType<typeof createKycVendorActivities>>;
    await workflows.runWorkflows({ activities: { player, provider } }, async (client) => {
      const handle = await client.workflow.start<typeof verification>(
        'verification',
        verificationStart({ ...account(), verificationId: randomUUID() }),
      );
      expect(await handle.result()).toMatchObject({ state: 'expired' });
      await workflows.exportHistory(handle, 'verification.database-away');
    });
  });

  test('delays the credit of a charge that a PSP took late', async () => {
    const provider = {
      refreshAttempt: afterOutage({ state: 'late_approved' }),
    } satisfies Partial<Record<keyof ReturnType<typeof createDepositAttemptActivities>, unknown>>;
    const money = {
      captureDeposit: afterOutage({ kind: 'captured' }),
    } satisfies Partial<Record<keyof ReturnType<typeof createDepositActivities>, unknown>>;
    await workflows.runWorkflows({ activities: { money, provider } }, async (client) => {
      const handle = await client.workflow.start<typeof depositLate>(
        'depositLate',
        depositLateStart({ ...account(), depositId: randomUUID(), attempt: 1 }),
      );
      expect(await handle.result()).toBe('credited');
      await workflows.exportHistory(handle, 'deposit-late.database-away');
    });
  });
});

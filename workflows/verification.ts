/** One identity check from the invitation to its outcome: it waits for the vendor, the player, a person or the clock. */
import {
  allHandlersFinished,
  ApplicationFailure,
  condition,
  log,
  proxyActivities,
  setHandler,
  setWorkflowOptions,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { createKycVendorActivities } from '#activities/kyc/vendor-activities.ts';
import type { createVerificationActivities } from '#activities/kyc/verification-activities.ts';
import {
  checkDecidable,
  isVerificationOver,
  reminderAfterDays,
  verificationDaysMax,
} from '#domain/kyc/review.ts';
import { taskQueues } from '#domain/task-queues.ts';
import { insist } from './insist.ts';
import { database, provider } from './retry-profiles.ts';
import { stageKey } from './search-attributes.ts';
import {
  begin,
  decideVerification,
  getVerification,
  vendorNotified,
  type VerificationDecision,
  type VerificationInput,
  type VerificationView,
} from './verification.contract.ts';

const { expireVerification, remindOfVerification, applyVerificationDecision } = proxyActivities<
  ReturnType<typeof createVerificationActivities>
>({ ...database, taskQueue: taskQueues.player });

const { reviewApplicant } = proxyActivities<ReturnType<typeof createKycVendorActivities>>({
  ...provider,
  taskQueue: taskQueues.provider,
});

/** A player waits for the answer, so the vendor gets seconds and the player is told to try again. */
const { inviteToVerify } = proxyActivities<ReturnType<typeof createKycVendorActivities>>({
  ...provider,
  scheduleToCloseTimeout: '8 s',
  taskQueue: taskQueues.provider,
});

const dayMs = 86_400_000;
/** A lost webhook costs a player at most this long. */
const pollEveryMs = 6 * 3_600_000;

export async function verification(input: VerificationInput): Promise<VerificationView> {
  const { verificationId } = input;
  let view: VerificationView = { verificationId, state: 'opened', attempt: 1, verifyUrl: null };
  let poked = false;
  const startedAtMs = Date.now();
  let remindAtMs = startedAtMs + reminderAfterDays * dayMs;
  let expireAtMs = startedAtMs + verificationDaysMax * dayMs;

  const show = (status: Pick<VerificationView, 'state' | 'attempt'>): void => {
    if (status.state !== view.state) upsertSearchAttributes([{ key: stageKey, value: status.state }]);
    if (status.attempt > view.attempt) remindAtMs = Date.now() + reminderAfterDays * dayMs;
    view = { ...view, state: status.state, attempt: status.attempt };
  };

  setHandler(getVerification, () => ({ ...view, verifyUrl: null }));
  setHandler(vendorNotified, () => {
    poked = true;
  });
  setHandler(begin, async () => {
    const invited = await inviteToVerify({ verificationId });
    return { verificationId, state: invited.state, attempt: invited.attempt, verifyUrl: invited.verifyUrl };
  });
  setHandler(
    decideVerification,
    async (decision) => {
      show(await applyVerificationDecision({ verificationId, ...decision }));
      return view;
    },
    { validator: (decision) => refuseUndecidable(view, decision) },
  );
  upsertSearchAttributes([{ key: stageKey, value: view.state }]);

  while (!isVerificationOver(view.state)) {
    const wakeAtMs = Math.min(remindAtMs, expireAtMs, Date.now() + pollEveryMs);
    await condition(() => poked || isVerificationOver(view.state), Math.max(1, wakeAtMs - Date.now()));
    if (isVerificationOver(view.state)) break;
    poked = false;
    await askVendor();
    if (view.state === 'opened' && Date.now() >= remindAtMs) {
      await insist(() => remindOfVerification({ verificationId }));
      remindAtMs = Number.POSITIVE_INFINITY;
    }
    if (Date.now() >= expireAtMs) {
      const { remainingMs, ...status } = await insist(() => expireVerification({ verificationId }));
      show(status);
      // Under review, or the database's clock is behind ours: asked again later.
      expireAtMs = Date.now() + (remainingMs > 0 ? remainingMs : dayMs);
    }
  }
  await condition(allHandlersFinished);
  return view;

  /** A vendor that stays away for a day ends nothing: the next poke or poll asks again. */
  async function askVendor(): Promise<void> {
    try {
      show(await reviewApplicant({ verificationId }));
    } catch (error) {
      log.warn('the vendor could not be asked', { error: String(error) });
    }
  }
}
setWorkflowOptions({ versioningBehavior: 'AUTO_UPGRADE' }, verification);

function refuseUndecidable(view: VerificationView, decision: VerificationDecision): void {
  if (decision.reason.trim().length < 3) {
    throw ApplicationFailure.nonRetryable('A decision needs a reason.', 'invalid-request');
  }
  const decidable = checkDecidable(view.state);
  if (!decidable.ok) throw ApplicationFailure.nonRetryable(decidable.failure.detail, decidable.failure.code);
}
